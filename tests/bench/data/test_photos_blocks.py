"""``photos-blocks``: blocks held out all over each photograph, and no source pixel on both sides."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from bench.data import Dataset, load_dataset
from bench.data.sources import photos, photos_blocks


@pytest.fixture(scope="module")
def photographs() -> dict[str, np.ndarray]:
    return {name: photos.pixels_of(data) for name, data in photos.read_files(photos.wheel_folder()).items()}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    cache = tmp_path_factory.mktemp("cache")
    return load_dataset("photos-blocks", cache_dir=cache, data_dir=cache / "no-data")


def test_has_the_promised_counts_and_shapes(dataset: Dataset) -> None:
    assert dataset.held_out is not None
    assert dataset.train.images.shape == (50_000, 3, 32, 32) and dataset.held_out.images.shape == (5_000, 3, 32, 32)
    assert dataset.train.labels is not None and dataset.held_out.labels is not None
    assert set(np.bincount(dataset.train.labels)) == {7142, 7143}
    assert (dataset.num_classes, dataset.image_size, dataset.flip) == (7, 32, False)
    assert (dataset.card["builder"], dataset.card["train"], dataset.card["held_out"]) == (2, 50_000, 5_000)


def test_crops_are_distinct_and_none_is_in_both_splits(dataset: Dataset) -> None:
    assert dataset.held_out is not None
    train, held_out = ({image.tobytes() for image in split.images} for split in (dataset.train, dataset.held_out))
    assert (len(train), len(held_out)) == (50_000, 5_000) and not train & held_out


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_a_split_sees_no_source_pixel_of_the_other(photographs: dict[str, np.ndarray], split: str) -> None:
    """Whatever stands where the other split is, the same windows have the same bytes."""
    noise = np.random.default_rng(0)
    for name in ("chelsea", "rocket", "coffee"):
        pixels = photographs[name]
        area = photos_blocks.held_out_area(*pixels.shape[:2], name)
        foreign = area if split == "train" else ~area
        changed = pixels.copy()
        changed[foreign] = noise.integers(0, 256, (int(foreign.sum()), 3))
        before, after = (photos_blocks.windows_of(each, name) for each in (pixels, changed))
        corners = before.corners[split]
        assert len(corners) > 100, name
        for row, column in corners[:: len(corners) // 100]:
            window = (slice(row, row + 32), slice(column, column + 32))
            assert np.array_equal(before.image[window], after.image[window])
        kept = {tuple(corner) for corner in after.corners[split].tolist()}
        assert {tuple(corner) for corner in corners.tolist()} == kept


def test_one_block_in_four_is_held_out_all_over_each_photograph(photographs: dict[str, np.ndarray]) -> None:
    for name, pixels in photographs.items():
        area = photos_blocks.held_out_area(*pixels.shape[:2], name)
        assert 0.19 < area.mean() < 0.33, name
        halves = [*np.array_split(area, 2, axis=0), *np.array_split(area, 2, axis=1)]
        assert all(0.1 < half.mean() < 0.45 for half in halves), name
        assert area.any(axis=1).all(), "every row of blocks has one"


def test_pixels_are_those_of_this_builder_version(photographs: dict[str, np.ndarray]) -> None:
    """PNG decodes alike everywhere. If this fails after a change, raise BUILDER and renew the digest."""
    chunk = photos_blocks.build_split({"coffee": photographs["coffee"]}, "train", 300)
    assert photos_blocks.BUILDER == 2
    digest = hashlib.sha256(chunk.images.tobytes()).hexdigest()
    assert digest == "10c394febaf12d391baf9ef57bf3ebc2de7e7c273b7e75c7ac3bf85788f0767e"


def test_the_fingerprint_is_no_other_split_s(dataset: Dataset) -> None:
    files = photos.read_files(photos.wheel_folder())
    assert photos_blocks.recipe_from(files).fingerprint == dataset.fingerprint
    assert photos.recipe_from(files).fingerprint != dataset.fingerprint
    other = dict(files, rocket=files["rocket"] + b"\0")
    assert photos_blocks.recipe_from(other).fingerprint != dataset.fingerprint


def test_photograph_too_small_for_a_window_gives_no_crops() -> None:
    rng = np.random.default_rng(0)
    tiny = {"tiny": rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)}
    chunk = photos_blocks.build_split(tiny, "train", 5)
    assert chunk.images.shape == (0, 3, 32, 32) and chunk.labels is not None and len(chunk.labels) == 0
