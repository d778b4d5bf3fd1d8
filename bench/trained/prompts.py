"""Texts for a trained text-to-image network: what ``uvit sample --prompt`` does before it draws.

P prompts, T tokens, E features a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.conditions.text import Text
from bench.data.contexts import Array

if TYPE_CHECKING:
    from bench.checkpoints.header import Header
    from bench.trained.drawing import Drawing

PAPERS_P_UNCOND = 0.1  # of the published MS-COCO networks, whose files do not tell (docs/paper.md, section 2)


def text_in(header: Header, drawing: Drawing, *, device: str) -> Text:
    """The prompts of ``drawing`` as the condition of the text-to-image network in a checkpoint's ``header``.

    They are encoded by the drawing's text encoder, else by the one that its captions were encoded with. Raises
    ValueError where there is no prompt, the text encoder is missing or another one, or guidance has nothing to push
    away from.
    """
    encoding = header.encoding or {}
    if not drawing.prompts:
        raise ValueError(f"this checkpoint ({header.variant}) draws from text: give --prompt, once or several times")
    place = drawing.text_encoder or encoding.get("text_encoder")
    if not place:
        raise ValueError("--prompt: the checkpoint names no text encoder; give --text-encoder PATH")
    p_uncond = float(header.training.get("p_uncond", PAPERS_P_UNCOND))
    if drawing.guidance and not p_uncond:
        raise ValueError("--guidance: this checkpoint was trained without dropping captions; leave it out")
    contexts = _encoded([*drawing.prompts, ""], place, encoding.get("text_sha256"), device)
    wanted = (header.context_tokens, header.model["context_dim"])
    if contexts.shape[1:] != wanted:
        raise ValueError(
            f"text encoder {place} gives {contexts.shape[1]} tokens of {contexts.shape[2]} features; the checkpoint "
            f"takes {wanted[0]} of {wanted[1]}"
        )
    return Text(empty=contexts[-1], p_uncond=p_uncond, prompts=contexts[:-1])


def untold_text(header: Header) -> Text:
    """The condition of that network where no prompt is asked for: captions come from a dataset, and none is dropped."""
    return Text(empty=np.zeros((header.context_tokens, header.model["context_dim"]), np.float32))


def _encoded(texts: Sequence[str], place: str | Path, sha256: str | None, device: str) -> Array:
    """Contexts (P, T, E) of ``texts``; ValueError where the encoder at ``place`` has not the weights of ``sha256``."""
    from bench.latents.text_encoder import load_text_encoder

    encoder = load_text_encoder(place, device=device)
    if sha256 and encoder.located.sha256 != sha256:
        raise ValueError(
            f"the checkpoint learned captions of another text encoder than {place} (its hash is "
            f"{encoder.located.sha256[:12]}, not {sha256[:12]}); give the one they were encoded with"
        )
    contexts: Array = encoder(texts).cpu().numpy()
    return contexts
