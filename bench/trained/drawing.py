"""How images are drawn from a trained network: what `uvit sample`, `score` and `neighbours` ask for, and its checks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.conditions.base import Condition
from bench.conditions.labels import Labels, as_labels

if TYPE_CHECKING:
    from torch import Tensor

    from bench.checkpoints.header import Header
    from bench.latents.decoder import Decoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """``count`` images from the noise of ``seed``, by ``sampler`` with ``nfe`` evaluations (0: the sampler's default).

    Image i depends on ``seed``, ``labels`` and i alone, not on ``count`` or ``batch``. A class-conditional network
    takes ``labels`` in turn, or draws them uniformly where none are given, a text-to-image one ``prompts`` in turn;
    ``guidance`` is s in c + s (c - u). Latents are decoded by ``autoencoder``, and prompts encoded by ``text_encoder``,
    else by those that made the training data. Raises ValueError for numbers that make no drawing.
    """

    count: int
    seed: int = 0
    sampler: str
    nfe: int = 0
    labels: tuple[int, ...] = ()
    guidance: float = 0.0
    prompts: tuple[str, ...] = ()
    text_encoder: Path | None = None
    autoencoder: Path | None = None
    batch: int  # images at a time

    def __post_init__(self) -> None:
        from bench.diffusion.samplers import SAMPLERS

        for name, least in (("count", 1), ("nfe", 0), ("batch", 1)):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"--{name}: expected at least {least}, got {value}")
        if not 0 <= self.guidance < math.inf:
            raise ValueError(f"--guidance: expected a number of at least 0, got {self.guidance}")
        SAMPLERS.get(self.sampler)

    @property
    def evaluations(self) -> int:
        """Network evaluations an image."""
        from bench.diffusion.samplers import SAMPLERS

        return self.nfe or SAMPLERS.get(self.sampler).default_nfe


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Images, uint8 (N, C, H, W) on the CPU, and what a score's card says of how they were drawn."""

    images: Tensor
    card: dict[str, Any]


def check_fits(header: Header, drawing: Drawing) -> None:
    """Raise ValueError where the network of ``header`` cannot take what ``drawing`` asks for; loads nothing."""
    if header.context_tokens:
        if drawing.labels:
            raise ValueError(f"--label: this checkpoint ({header.variant}) takes text; give --prompt instead")
        return
    for name, text in (("--prompt", drawing.prompts), ("--text-encoder", drawing.text_encoder)):
        if text:
            raise ValueError(f"{name}: this checkpoint ({header.variant}) takes no text; leave it out")
    if not header.num_classes:
        for name, given in (("--label", drawing.labels), ("--guidance", drawing.guidance)):
            if given:
                raise ValueError(f"{name}: this checkpoint is unconditional ({header.variant}); leave it out")
    elif drawing.guidance and not header.null_label:
        raise ValueError("--guidance: this checkpoint was trained without dropping labels; leave it out")


def labels_in(header: Header, wanted: tuple[int, ...] = ()) -> Condition:
    """The condition of a network without text: its labels, or none."""
    if not header.num_classes:
        return Condition()
    labels = as_labels(wanted, header.num_classes, where="--label")
    return Labels(num_classes=header.num_classes, null_label=header.null_label, wanted=labels)


def decoder_in(header: Header, device: str, autoencoder: Path | None = None) -> Decoder | None:
    """The decoder of a network of latents, None for one of pixels; ValueError where it cannot be had."""
    from bench.latents.decoder import decoder_for, papers_encoding

    encoding = header.encoding
    if encoding is None and header.imported is not None:
        encoding = papers_encoding(header.model)
    if encoding is not None:
        return decoder_for(encoding, device, given=autoencoder)
    if autoencoder is not None:
        raise ValueError(f"--autoencoder: this checkpoint ({header.variant}) draws pixels, not latents; leave it out")
    return None
