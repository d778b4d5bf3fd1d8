"""``celeba`` as its archives unpack it, and the ways in which that goes wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.data import Dataset, find_recipe, load_dataset
from tests.bench.data.makers import picture
from tests.bench.data.trees import celeba, packed, photograph

PARTS = [0] * 6 + [1] * 2 + [2] * 4


def _load(root: Path, size: int | None = None) -> Dataset:
    return load_dataset("celeba", data_dir=root / "data", cache_dir=root / "cache", image_size=size)


def _refused(root: Path, says: str) -> str:
    with pytest.raises(ValueError, match=says) as caught:
        _load(root)
    assert "\n" not in str(caught.value) and not list((root / "cache").glob("datasets/*"))
    return str(caught.value)


def _face(i: int) -> np.ndarray:
    """What image ``i`` must look like at 128: the paper's crop with nothing resized, but for JPEG."""
    return photograph(i, 218, 178)[57:185, 25:153].transpose(2, 0, 1).astype(int)


@pytest.mark.parametrize("below", ["", "celeba", "celeba/Img", "CelebA/Img"])
@pytest.mark.parametrize("zipped", [False, True])
def test_found_in_the_usual_places_and_split_as_published(tmp_path: Path, below: str, zipped: bool) -> None:
    root = celeba(tmp_path / "data" / below, parts=PARTS)
    if below.endswith("Img"):
        (root.parent / "Eval").mkdir()
        (root / "list_eval_partition.txt").rename(root.parent / "Eval" / "list_eval_partition.txt")
    if zipped:
        packed(root / "img_align_celeba")
    dataset = _load(tmp_path, 128)
    assert dataset.held_out is not None and (len(dataset.train), len(dataset.held_out)) == (6, 4)
    for split, first in ((dataset.train, 1), (dataset.held_out, 9)):
        for n, image in enumerate(split.images):
            assert np.abs(image.astype(int) - _face(first + n)).mean() < 3
    assert "list_eval_partition" in dataset.card["note"] and "(89, 121)" in dataset.card["crop"]


def test_64_pixels_in_three_channels_flipped_and_without_labels(tmp_path: Path) -> None:
    celeba(tmp_path / "data" / "celeba")
    dataset = _load(tmp_path)
    assert dataset.train.images.shape == (11, 3, 64, 64) and dataset.held_out is not None and len(dataset.held_out) == 1
    assert dataset.flip and dataset.num_classes == 0 and dataset.train.labels is None
    assert "permutation" in dataset.card["note"]
    assert _load(tmp_path, 32).train.images.shape == (11, 3, 32, 32)


def test_fingerprint_follows_content_size_and_parts_but_not_the_place(tmp_path: Path) -> None:
    def fingerprint(data: Path, size: int = 64) -> str:
        return find_recipe("celeba", data_dir=data, cache_dir=tmp_path / "cache", image_size=size).fingerprint

    celeba(tmp_path / "a" / "celeba", 4, [0, 0, 0, 2])
    celeba(tmp_path / "b", 4, [0, 0, 0, 2])
    packed(tmp_path / "b" / "img_align_celeba")
    celeba(tmp_path / "c", 4, [0, 0, 2, 2])
    celeba(tmp_path / "d", 4)
    folder, zipped, other_parts, no_parts = (fingerprint(tmp_path / name) for name in "abcd")
    assert folder == zipped
    assert len({folder, other_parts, no_parts, fingerprint(tmp_path / "c", 32)}) == 4


def test_kaggle_s_layout_is_read_too(tmp_path: Path) -> None:
    root = celeba(tmp_path / "data" / "celeba", 4)
    (root / "img_align_celeba").rename(root / "inner")
    (root / "img_align_celeba").mkdir()
    (root / "inner").rename(root / "img_align_celeba" / "img_align_celeba")
    rows = [f"{i:06d}.jpg,{part}\n" for i, part in enumerate([0, 0, 1, 2], 1)]
    (root / "list_eval_partition.csv").write_text("image_id,partition\n" + "".join(rows))
    dataset = _load(tmp_path)
    assert (len(dataset.train), len(dataset.held_out or ())) == (2, 1)


def test_nothing_there_says_where_it_looked(tmp_path: Path) -> None:
    assert str(tmp_path / "data" / "celeba") in _refused(tmp_path, r"celeba not found.*img_align_celeba.zip")


def test_an_empty_folder_says_what_belongs_in_it(tmp_path: Path) -> None:
    (tmp_path / "data" / "img_align_celeba").mkdir(parents=True)
    _refused(tmp_path, r"no images in .*img_align_celeba; expected aligned faces of 178x218")


@pytest.mark.parametrize("at", [1, 7])
def test_other_crops_are_refused(tmp_path: Path, at: int) -> None:
    root = celeba(tmp_path / "data")
    picture(root / "img_align_celeba" / f"{at:06d}.jpg", photograph(1, 256, 256))
    _refused(tmp_path, rf"{at:06d}.jpg is 256x256: expected aligned faces of 178x218 pixels; take .*img_align_celeba")


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ("000001.jpg 3\n", r"line 1: expected a file name and 0, 1 or 2, got '000001.jpg 3'"),
        ("000001.jpg 0\nrubbish\n", r"line 2: expected a file name and 0, 1 or 2"),
        ("000001.jpg 0\n", r"does not match: .* has 2 \(000002.jpg, 000003.jpg\) that it does not name"),
        ("".join(f"{i:06d}.jpg 0\n" for i in range(1, 9)), r"does not match: .* lacks 5 \(000004.jpg, 000005.jpg, …\)"),
        ("".join(f"{i:06d}.jpg 2\n" for i in range(1, 4)), r"expected images of part 0 to train on, got none"),
    ],
)
def test_a_list_that_does_not_match_is_refused(tmp_path: Path, parts: str, says: str) -> None:
    root = celeba(tmp_path / "data", 3)
    (root / "list_eval_partition.txt").write_text(parts)
    assert "list_eval_partition.txt" in _refused(tmp_path, says)


def test_faces_are_not_blown_up(tmp_path: Path) -> None:
    celeba(tmp_path / "data", 3)
    with pytest.raises(ValueError, match="image size must be at most 128, got 256"):
        _load(tmp_path, 256)
