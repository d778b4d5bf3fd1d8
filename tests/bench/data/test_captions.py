"""Captions beside images: through the cache and back, whatever the text, in whatever chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data import Captions, Chunk, Recipe
from bench.data.cache import decoded
from bench.data.captions import PARTS, packed
from bench.data.load import _dataset
from bench.data.pixels import at_size
from tests.bench.data.makers import pixels

TEXTS = [("a cat.", "das Kätzchen 🐈", ""), ("one\ntwo\x00three",), ("x",) * 7, ("猫", "a dog ")]


def _recipe(first: int = 3) -> Recipe:
    """Three images for training in two chunks, and one held out without a caption to spare."""

    def decode() -> Iterator[Chunk]:
        yield Chunk("train", pixels(0, first, 3, 8, 8), None, TEXTS[:first])
        if first < 3:
            yield Chunk("train", pixels(1, 3 - first, 3, 8, 8), None, TEXTS[first:3])
        yield Chunk("held_out", pixels(2, 1, 3, 8, 8), None, TEXTS[3:])

    fields = {"image_size": 8, "channels": 3, "num_classes": 0, "flip": False}
    return Recipe(name="told", fingerprint=f"{first:064x}", decode=decode, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("first", [1, 2, 3])
def test_captions_survive_the_cache_in_any_chunks(tmp_path: Path, first: int) -> None:
    dataset = _dataset(_recipe(first), decoded(_recipe(first), tmp_path))
    assert dataset.train.captions is not None and dataset.held_out is not None
    assert list(dataset.train.captions) == TEXTS[:3] and list(dataset.held_out.captions or ()) == TEXTS[3:]
    assert len(dataset.train.captions) == len(dataset.train) == 3
    assert dataset.train.captions[np.int64(1)] == TEXTS[1] and dataset.train.captions[-1] == TEXTS[2]
    for outside in (3, -4):
        with pytest.raises(IndexError, match="of 3"):
            dataset.train.captions[outside]


def test_captions_stay_with_their_images_at_another_size(tmp_path: Path) -> None:
    recipe = at_size(_recipe(), 4)
    dataset = _dataset(recipe, decoded(recipe, tmp_path))
    assert dataset.train.images.shape == (3, 3, 4, 4) and list(dataset.train.captions or ()) == TEXTS[:3]


def test_text_is_mapped_and_checked_like_pixels(tmp_path: Path) -> None:
    found = decoded(_recipe(), tmp_path)
    (folder,) = (tmp_path / "datasets").iterdir()
    parts = {f"{split}_{part}.npy" for split in ("train", "held_out") for part in ("images", *PARTS)}
    assert set(json.loads((folder / "meta.json").read_text())["sha256"]) == parts == set(found.sha256)
    assert isinstance(found.captions["train"]._text, np.memmap)  # type: ignore[union-attr]
    (folder / "train_captions.npy").write_bytes(b"damaged")
    assert list(decoded(_recipe(), tmp_path).captions["train"] or ()) == TEXTS[:3]


def test_a_dataset_without_captions_says_none(tmp_path: Path) -> None:
    recipe = replace(_recipe(), decode=lambda: iter([Chunk("train", pixels(0, 2, 3, 8, 8), None)]))
    assert _dataset(recipe, decoded(recipe, tmp_path)).train.captions is None


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=3), max_size=5))
def test_packing_loses_nothing(texts: list[list[str]]) -> None:
    parts = packed(texts)
    assert list(Captions(*(parts[part] for part in PARTS))) == [tuple(of_image) for of_image in texts]  # type: ignore[arg-type]
