"""Inception-v3 with the weights and the resize of the original TensorFlow FID, through torch-fidelity."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.fid.extractor import EXTRACTORS, Extractor, ExtractorSource
from bench.fid.folding import fold_batch_norm
from bench.fid.versions import versions
from bench.files.hashing import sha256_of
from bench.files.published_weights import PublishedWeights, load_state_dict

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger("uvit")

NAME = "inception"
DIM = 2_048
CARD_VERSION = 1
PUBLISHED = PublishedWeights(
    # torch-fidelity and pytorch-fid publish the same bytes under two names
    names=("weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth"),
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    size=95_628_359,
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)


def build(*, device: str, weights: Path | None, allow_download: bool) -> Extractor:
    """torch-fidelity's network with the published weights, or those at ``weights`` (other bytes are warned about)."""
    import torch

    path = PUBLISHED.find(weights, allow_download=allow_download)
    digest = sha256_of(path)
    if digest != PUBLISHED.sha256:
        log.warning(
            "%s is not the published Inception file (SHA-256 %s): its scores compare with no paper's", path, digest
        )
    network = _network(path).to(torch.device(device), memory_format=torch.channels_last)

    def features(images: Tensor) -> Tensor:
        (pooled,) = network(images.contiguous(memory_format=torch.channels_last))
        return pooled

    batch_size = 128 if torch.device(device).type == "cuda" else 32
    return Extractor(name=NAME, dim=DIM, device=device, batch_size=batch_size, card=_card(digest), network=features)


def _network(path: Path) -> Any:
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d, FeatureExtractorInceptionV3

    safe = io.BytesIO()  # torch-fidelity unpickles whatever it is given, so it is given tensors only
    torch.save(load_state_dict(path), safe)
    safe.seek(0)
    try:
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=safe)
    except RuntimeError:
        raise ValueError(f"{path}: the tensors are not those of the FID Inception-v3; see {PUBLISHED.url}") from None
    for module in network.modules():
        if isinstance(module, BasicConv2d):
            fold_batch_norm(module, "conv", "bn")
    return network


def _card(weights_sha256: str) -> dict[str, Any]:
    return {
        "extractor": NAME,
        "features": DIM,
        "layer": "pool3, 2048",
        "resize": "bilinear as TensorFlow 1 (corners not aligned), to 299x299; (x - 128) / 128",
        "weights": "FID Inception-v3, 2015-12-05" if weights_sha256 == PUBLISHED.sha256 else "not the published file",
        "weights_sha256": weights_sha256,
        "dtype": "float32",
        "card_version": CARD_VERSION,
        "extractor_libraries": versions("torch", "torch-fidelity"),
    }


EXTRACTORS.register(
    NAME,
    ExtractorSource(name=NAME, description="Inception-v3, TensorFlow-compatible: FID and KID", dim=DIM, build=build),
)
