"""The captions of a dataset through a text encoder, once: the second half of ``uvit encode``.

M captions in all, T tokens a caption, E features a token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bench.data.latent_folder import CONTEXT, EMPTY, ENDS, Encoding
from bench.latents.text_encoder import TextEncoder
from bench.latents.writing import PartialFolder

if TYPE_CHECKING:
    from bench.data import Dataset, Split


def with_text(encoding: Encoding, dataset: Dataset, text: TextEncoder) -> Encoding:
    """``encoding`` that also names the text encoder; ValueError where the dataset has no captions."""
    if dataset.train.captions is None:
        raise ValueError(f"--text-encoder: dataset {dataset.name} has no captions (coco has); leave it out")
    return replace(
        encoding,
        text_encoder=text.located.name,
        text_sha256=text.located.sha256,
        context_tokens=text.tokens,
        context_dim=text.features,
    )


def encode_captions(
    folder: PartialFolder,
    splits: Mapping[str, Split],
    text: TextEncoder,
    batch: int,
    progress: Callable[[str, int, int], None],
) -> None:
    """Every caption of every split, after what an earlier attempt has, and the empty one."""
    folder.write(EMPTY, text([""])[0].cpu().numpy())
    for name, split in splits.items():
        captions = [caption for of_image in split.captions or () for caption in of_image]
        ends = np.cumsum([len(of_image) for of_image in split.captions or ()], dtype=np.int64)
        rows = folder.rows(f"{name}_{CONTEXT}", len(captions), (text.tokens, text.features))
        done = rows.done(batch)
        rows.cut(done)
        for first in range(done, len(captions), batch):
            part = captions[first : first + batch]
            rows.append(text(part).cpu().numpy())
            progress(f"{name} captions", first + len(part), len(captions))
        folder.write(f"{name}_{ENDS}", ends)
