"""The autoencoder of latent diffusion behind a small interface; ``diffusers.AutoencoderKL`` is the implementation.

B batch, C image channels, H x W pixels, Z latent channels, h x w places, f = H / h the factor.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bench.latents.autoencoder_weights import CONFIG, LocatedAutoencoder, current_name, locate

if TYPE_CHECKING:
    from torch import Tensor

PIXELS_A_PASS = 1 << 20  # a decoder's activations at full resolution: about 10 GB at 16 images of 256 pixels
LOG_VARIANCES = (-30.0, 20.0)  # the range outside which exp would over- or underflow float32, as Stable Diffusion's


class Autoencoder(Protocol):
    """What the suite asks of an autoencoder; all tensors float32 on its device."""

    @property
    def image_channels(self) -> int:
        """C, the channels of an image."""

    @property
    def latent_channels(self) -> int:
        """Z, the channels of its latent."""

    @property
    def factor(self) -> int:
        """f, the pixels a place of the latent stands for, along one side."""

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] to moments (B, 2Z, h, w): the mean, then the log variance."""

    def decode(self, latents: Tensor) -> Tensor:
        """Unscaled latents (B, Z, h, w) to images (B, C, H, W), about in [-1, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderKL:
    """``diffusers.AutoencoderKL`` in evaluation, in full float32 whatever a cell trains in."""

    image_channels: int
    latent_channels: int
    factor: int
    device: str
    scaling_factor: float
    located: LocatedAutoencoder
    network: Any = field(repr=False)

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] to moments (B, 2Z, h, w); the log variance is clamped to [-30, 20]."""
        import torch

        def moments(rows: Tensor) -> Tensor:
            mean, log_variance = self.network.encode(rows).latent_dist.parameters.chunk(2, dim=1)
            return torch.cat([mean, log_variance.clamp(*LOG_VARIANCES)], dim=1)

        return self._in_passes(moments, images, images.shape[-1])

    def decode(self, latents: Tensor) -> Tensor:
        """Unscaled latents (B, Z, h, w) to images (B, C, H, W), about in [-1, 1]."""
        return self._in_passes(lambda rows: self.network.decode(rows).sample, latents, latents.shape[-1] * self.factor)

    def _in_passes(self, function: Any, rows: Tensor, side: int) -> Tensor:
        """``function`` of ``rows``, as many at a time as `PIXELS_A_PASS` allows at ``side`` pixels."""
        import torch

        from bench.fid.extractor import full_float32

        size = max(1, PIXELS_A_PASS // side**2)
        with torch.inference_mode(), full_float32(self.device):
            return torch.cat([function(part.to(self.device).float()) for part in rows.split(size)])


def load_autoencoder(name: str | Path, *, device: str = "cpu", allow_download: bool = True) -> AutoencoderKL:
    """The autoencoder at ``name``: a folder as diffusers saves it, its .safetensors file, or a published name.

    Raises ValueError, in one line, where it is missing, damaged or something else, and where diffusers is missing.
    """
    located = locate(name, allow_download=allow_download)
    network = _network(located).eval().requires_grad_(False).to(device)
    config: Any = network.config
    return AutoencoderKL(
        image_channels=config.in_channels,
        latent_channels=config.latent_channels,
        factor=2 ** (len(config.block_out_channels) - 1),
        device=device,
        scaling_factor=float(config.scaling_factor),
        located=located,
        network=network,
    )


def _network(located: LocatedAutoencoder) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    kind: Any = _diffusers()
    try:
        network = kind.from_config(dict(located.config))
        if network.config.shift_factor is not None:
            raise ValueError("it shifts its latents, and only a scale is supported")
        network.load_state_dict({current_name(name): value for name, value in load_file(located.weights).items()})
    except (SafetensorError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        first = str(error).strip().splitlines()[-1].strip() if str(error).strip() else type(error).__name__
        raise ValueError(f"{located.weights} is no AutoencoderKL of the {CONFIG} beside it: {first}") from None
    return network


def _diffusers() -> Any:
    try:
        from diffusers import AutoencoderKL as Kind
    except ImportError as error:
        raise ValueError(
            f"an autoencoder needs the package diffusers ({error}): {Path(sys.executable).name} -m pip install "
            "'uvit-ablations[latents]'"
        ) from None
    return Kind
