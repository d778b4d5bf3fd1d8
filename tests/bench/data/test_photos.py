"""``photos``: what it promises about its crops, on the real photographs of scikit-image."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from bench.data import Dataset, find_recipe, load_dataset
from bench.data.sources import photos


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def dataset(cache: Path) -> Dataset:
    return load_dataset("photos", cache_dir=cache, data_dir=cache / "no-data")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return photos.read_files(photos.wheel_folder())


@pytest.fixture(scope="module")
def photographs(files: dict[str, bytes]) -> dict[str, np.ndarray]:
    return {name: photos.pixels_of(data) for name, data in files.items()}


def test_has_the_promised_counts_and_shapes(dataset: Dataset) -> None:
    assert dataset.held_out is not None
    assert dataset.train.images.shape == (50_000, 3, 32, 32) and dataset.held_out.images.shape == (5_000, 3, 32, 32)
    for split, share in ((dataset.train, 7142), (dataset.held_out, 714)):
        assert isinstance(split.images, np.memmap) and split.images.dtype == np.uint8
        assert split.images.flags.c_contiguous and not split.images.flags.writeable
        assert split.labels is not None and split.labels.dtype == np.int64
        assert set(np.bincount(split.labels, minlength=7)) == {share, share + 1}
    assert (dataset.num_classes, dataset.channels, dataset.image_size, dataset.flip) == (7, 3, 32, False)


def test_crops_are_distinct_and_none_is_in_both_splits(dataset: Dataset) -> None:
    assert dataset.held_out is not None
    train = {image.tobytes() for image in dataset.train.images}
    held_out = {image.tobytes() for image in dataset.held_out.images}
    assert len(train) == 50_000 and len(held_out) == 5_000 and not train & held_out


def test_splits_share_no_source_pixel(photographs: dict[str, np.ndarray]) -> None:
    """Noise over every column that a split may not see changes none of its bytes."""
    noise = np.random.default_rng(0)
    for split, foreign in (
        ("train", lambda width: slice(int(0.7 * width) - 16, None)),
        ("held_out", lambda width: slice(0, int(0.7 * width))),
    ):
        changed = {name: pixels.copy() for name, pixels in photographs.items()}
        for pixels in changed.values():
            columns = foreign(pixels.shape[1])
            pixels[:, columns] = noise.integers(0, 256, pixels[:, columns].shape)
        before, after = (photos.build_split(each, split, 2_000) for each in (photographs, changed))
        assert np.array_equal(before.images, after.images) and np.array_equal(before.labels, after.labels)


def test_every_scale_and_class_is_present_in_shuffled_order(dataset: Dataset) -> None:
    assert dataset.held_out is not None and dataset.train.labels is not None and dataset.held_out.labels is not None
    assert len(set(dataset.train.labels[:50].tolist())) == 7 and len(set(dataset.held_out.labels[:50].tolist())) == 7


def test_crops_are_windows_of_the_shrunken_part(photographs: dict[str, np.ndarray]) -> None:
    one = {"astronaut": photographs["astronaut"]}
    chunk = photos.build_split(one, "held_out", 60)
    from PIL import Image

    part = one["astronaut"][:, 358:]  # floor(0.7 · 512)
    scales = []
    for crop in chunk.images:
        for scale in photos.SCALES:
            size = (round(part.shape[1] * scale), round(512 * scale))
            small = np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BICUBIC)).transpose(2, 0, 1)
            places = np.lib.stride_tricks.sliding_window_view(small, (3, 32, 32))
            rows, columns = np.nonzero((places[0, :, :, :, 0, 0] == crop[:, 0, 0]).all(-1))
            scales += [scale for y, x in zip(rows, columns, strict=True) if (places[0, y, x] == crop).all()]
    assert len(scales) == 60 and set(scales) == set(photos.SCALES)


def test_pixels_are_those_of_this_builder_version(photographs: dict[str, np.ndarray]) -> None:
    """PNG decodes alike everywhere. If this fails after a change, raise BUILDER and renew the digest."""
    chunk = photos.build_split({"coffee": photographs["coffee"]}, "train", 300)
    assert photos.BUILDER == 1
    digest = hashlib.sha256(chunk.images.tobytes()).hexdigest()
    assert digest == "9e81df48701b1bf4524df585b3281201552335069b70c293b233db5425521fed"


def test_fingerprint_hashes_files_and_builder_only(
    files: dict[str, bytes], dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert photos.recipe_from(files).fingerprint == dataset.fingerprint
    other = dict(files, rocket=files["rocket"] + b"\0")
    assert photos.recipe_from(other).fingerprint != dataset.fingerprint
    monkeypatch.setattr(photos, "BUILDER", 2)
    assert photos.recipe_from(files).fingerprint != dataset.fingerprint


def test_photos_columns_is_the_same_content_and_so_the_same_ids(dataset: Dataset, files: dict[str, bytes]) -> None:
    columns = find_recipe("photos-columns")
    assert (columns.name, columns.fingerprint) == ("photos-columns", dataset.fingerprint)
    half = [find_recipe(name, image_size=16).fingerprint for name in ("photos", "photos-columns")]
    assert half[0] == half[1] != dataset.fingerprint
    assert columns.card == photos.recipe_from(files).card


def test_card_is_honest_and_json_able(dataset: Dataset) -> None:
    card = json.loads(json.dumps(dataset.card))
    assert card == dataset.card
    assert card["photographs"] == 7 and "7 photographs" in card["note"] and "CC0" in card["licence"]
    assert card["scales"] == [0.5, 0.35, 0.25] and card["fingerprint"] == dataset.fingerprint
    assert (card["train"], card["held_out"], card["builder"]) == (50_000, 5_000, 1)
    assert "motorcycle" not in card["classes"] and card["decoder"]["pillow"]


def test_half_size_is_the_mean_of_two_by_two(dataset: Dataset, cache: Path) -> None:
    half = load_dataset("photos", cache_dir=cache, image_size=16)
    assert half.image_size == 16 and half.train.images.shape == (50_000, 3, 16, 16)
    exact = dataset.train.images[:100].astype(float).reshape(100, 3, 16, 2, 16, 2).mean((3, 5))
    assert np.abs(half.train.images[:100] - exact).max() <= 0.5
    assert half.train.labels is not None and np.array_equal(half.train.labels, dataset.train.labels)
    assert half.fingerprint != dataset.fingerprint and half.train.fingerprint != dataset.train.fingerprint


def test_second_load_gives_the_same_and_decodes_nothing(
    dataset: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "build_split", None)
    again = load_dataset("photos", cache_dir=cache)
    assert again.card == dataset.card and np.array_equal(again.train.images[-5:], dataset.train.images[-5:])


@pytest.mark.parametrize("size", [0, -1, 5, 64])
def test_sizes_that_do_not_divide_are_refused(size: int, cache: Path) -> None:
    with pytest.raises(ValueError, match=r"image size must .*got") as caught:
        load_dataset("photos", cache_dir=cache, image_size=size)
    assert "\n" not in str(caught.value)


def test_shares_are_equal_and_take_what_exists() -> None:
    assert photos.allocate(50, [100] * 7) == [8, 7, 7, 7, 7, 7, 7]
    assert photos.allocate(10, [2, 100, 100]) == [2, 4, 4]
    assert photos.allocate(500, [2, 3, 0]) == [2, 3, 0]
    assert sum(photos.allocate(11, [1, 2, 50, 3])) == 11


def test_photograph_too_small_for_a_window_gives_no_crops() -> None:
    rng = np.random.default_rng(0)
    chunk = photos.build_split({"tiny": rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)}, "train", 5)
    assert chunk.images.shape == (0, 3, 32, 32) and chunk.labels is not None and len(chunk.labels) == 0


def test_missing_photograph_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"lacks .*astronaut\.png.*pip install"):
        photos.read_files(tmp_path)
