"""From scaled latents to images, and to the real images that samples are scored against.

B batch, Z latent channels, h x w places, C image channels, H x W pixels.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.latent_folder import Encoding
from bench.latents.autoencoder_weights import locate

if TYPE_CHECKING:
    from torch import Tensor

    from bench.data import Dataset
    from bench.latents.autoencoder import Autoencoder

PAPERS_CHANNELS, PAPERS_SCALE, PAPERS_TEXT_SCALE = 4, 0.18215, 0.23010
VARIABLE = "UVIT_AUTOENCODER"  # decode with this autoencoder in place of the one that the latents name


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """Scaled latents (B, Z, h, w) to images (B, C, H, W), about in [-1, 1]; ``sha256`` names its weights."""

    autoencoder: Autoencoder
    scale: float
    sha256: str
    name: str = field(repr=False)

    def __call__(self, latents: Tensor) -> Tensor:
        return self.autoencoder.decode(latents / self.scale)


def chosen_autoencoder(recorded: str, given: str | Path | None = None) -> str:
    """The autoencoder to decode with: ``given``, else `VARIABLE`'s, else the recorded one."""
    return str(given or os.environ.get(VARIABLE) or recorded)


def decoder_sha256(encoding: Encoding) -> str:
    """The hash of the decoder that samples of these latents go through; reads a file only where another is chosen."""
    chosen = chosen_autoencoder(encoding.autoencoder)
    return encoding.decoder_sha256 if chosen == encoding.autoencoder else locate(chosen).decoder_sha256


def decoder_for(encoding: Mapping[str, Any], device: str, *, given: str | Path | None = None) -> Decoder:
    """The decoder of latents by their `Encoding.card`; ValueError where it is missing or of another encoder."""
    chosen = chosen_autoencoder(encoding["autoencoder"], given)
    if not chosen:
        raise ValueError(f"this checkpoint draws latents, to be decoded: give --autoencoder PATH (or set {VARIABLE})")
    decoder = _decoder(chosen, encoding["encoder_sha256"], float(encoding["scale"]), device)
    if decoder.autoencoder.latent_channels != encoding["channels"]:
        raise ValueError(
            f"autoencoder {chosen} decodes latents of {decoder.autoencoder.latent_channels} channels, "
            f"not of {encoding['channels']}"
        )
    return decoder


def papers_encoding(network: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is known of the latents of an official checkpoint, by its network: None where it draws pixels.

    Its file names no autoencoder: the user does. Scales: docs/paper.md, section 2.
    """
    if network["channels"] != PAPERS_CHANNELS:
        return None
    scale = PAPERS_TEXT_SCALE if network.get("context_tokens") else PAPERS_SCALE
    return {"autoencoder": "", "encoder_sha256": "", "scale": scale, "channels": PAPERS_CHANNELS}


@lru_cache(maxsize=1)
def _decoder(name: str, encoder_sha256: str, scale: float, device: str) -> Decoder:
    from bench.latents.autoencoder import load_autoencoder

    try:
        autoencoder = load_autoencoder(name, device=device)
    except ValueError as error:
        raise ValueError(
            f"latents need their autoencoder to be decoded: {error} (set {VARIABLE}=PATH if it moved)"
        ) from None
    located = autoencoder.located
    if encoder_sha256 and located.encoder_sha256 != encoder_sha256:
        raise ValueError(
            f"the latents were made by another encoder than that of {name} (its hash is "
            f"{located.encoder_sha256[:12]}, not {encoder_sha256[:12]}); give the autoencoder they were encoded with"
        )
    return Decoder(autoencoder=autoencoder, scale=scale, sha256=located.decoder_sha256, name=located.name)


def forget_decoder() -> None:
    """Give back what the decoder holds on a GPU; it loads again when it is asked for."""
    _decoder.cache_clear()


def pictures_of(dataset: Dataset) -> Dataset:
    """The dataset of real images that samples are scored against: itself, or what latents are of.

    Raises ValueError where that is not found at the encoding's ``data_dir``, or is not what was encoded.
    """
    from bench.data.load import load_cached_dataset

    encoding = dataset.encoding
    if encoding is None:
        return dataset
    where = Path(encoding.data_dir) if encoding.data_dir else None
    try:
        pictures = load_cached_dataset(encoding.source, where, encoding.image_size)
    except ValueError as error:
        raise ValueError(
            f"{dataset.name} are latents of {encoding.source}, whose images samples are scored against: {error}"
        ) from None
    if pictures.fingerprint != encoding.source_fingerprint:
        raise ValueError(
            f"{dataset.name} are latents of {encoding.source}, which has changed since (fingerprint "
            f"{pictures.fingerprint[:12]}, not {encoding.source_fingerprint[:12]}); encode it again"
        )
    return pictures
