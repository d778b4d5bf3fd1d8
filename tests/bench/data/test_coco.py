"""``coco`` as MS-COCO 2014 unpacks, its captions, and caption files that do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.data import Dataset, find_recipe, load_dataset
from bench.data.crops import lanczos_square
from tests.bench.data.makers import picture
from tests.bench.data.trees import coco, photograph, write_captions


def _load(root: Path, size: int | None = 32) -> Dataset:
    return load_dataset("coco", data_dir=root / "data", cache_dir=root / "cache", image_size=size)


def _refused(root: Path, says: str) -> str:
    with pytest.raises(ValueError, match=says) as caught:
        _load(root)
    assert "\n" not in str(caught.value) and not list((root / "cache").glob("datasets/*"))
    return str(caught.value)


def test_images_and_captions_by_image_id(tmp_path: Path) -> None:
    said = coco(tmp_path / "data" / "coco")
    dataset = _load(tmp_path, None)
    assert dataset.held_out is not None and dataset.train.images.shape == (5, 3, 256, 256)
    assert (dataset.num_classes, dataset.flip, len(dataset.held_out)) == (0, False, 3)
    for split, folder in ((dataset.train, "train2014"), (dataset.held_out, "val2014")):
        rows = sorted(said[folder]["images"], key=lambda row: row["id"])
        assert split.captions is not None and len(split.captions) == len(split) == len(rows)
        for row, image, captions in zip(rows, split.images, split.captions, strict=True):
            square = lanczos_square(Image.open(tmp_path / "data" / "coco" / folder / row["file_name"]), 256)
            assert np.array_equal(image, np.asarray(square).transpose(2, 0, 1))
            true = [each["caption"] for each in said[folder]["annotations"] if each["image_id"] == row["id"]]
            assert list(captions) == true and len(true) in (5, 6)
    assert dataset.card["captions"] == {"train": 27, "held_out": 15 + 1}
    json.dumps(dataset.card)


def test_without_val_captions_follow_their_images_into_the_hold_out(tmp_path: Path) -> None:
    coco(tmp_path / "data", train=12, val=0)
    (tmp_path / "data" / "val2014").mkdir()
    (tmp_path / "data" / "val2014").rmdir()
    (tmp_path / "data" / "annotations" / "captions_val2014.json").unlink()
    dataset = _load(tmp_path)
    assert dataset.held_out is not None and (len(dataset.train), len(dataset.held_out)) == (11, 1)
    for split in (dataset.train, dataset.held_out):
        for image, captions in zip(split.images, split.captions or (), strict=True):
            number = int(captions[0].split()[3])
            path = tmp_path / "data" / "train2014" / f"COCO_train2014_{number:012d}.jpg"
            assert np.array_equal(image, np.asarray(lanczos_square(Image.open(path), 32)).transpose(2, 0, 1))


def test_fingerprint_follows_captions_too(tmp_path: Path) -> None:
    def fingerprint() -> str:
        return find_recipe("coco", data_dir=tmp_path / "data", cache_dir=tmp_path / "cache").fingerprint

    said = coco(tmp_path / "data" / "coco")["train2014"]
    prints = [fingerprint()]
    said["info"]["year"] = 2015  # tells nothing of the images
    write_captions(tmp_path / "data" / "coco", "train2014", said)
    assert fingerprint() == prints[0]
    said["annotations"][3]["caption"] += "!"
    write_captions(tmp_path / "data" / "coco", "train2014", said)
    prints.append(fingerprint())
    picture(next((tmp_path / "data" / "coco" / "train2014").iterdir()), photograph(99, 64, 64))
    assert len({*prints, fingerprint()}) == 3


# wrong trees


def test_nothing_there_says_where_it_looked(tmp_path: Path) -> None:
    assert str(tmp_path / "data" / "coco") in _refused(tmp_path, r"coco not found: no train2014/ in .*captions_\*2014")


@pytest.mark.parametrize("folder", ["train2014", "val2014"])
def test_images_without_their_caption_file_are_refused(tmp_path: Path, folder: str) -> None:
    coco(tmp_path / "data" / "coco")
    (tmp_path / "data" / "coco" / "annotations" / f"captions_{folder}.json").unlink()
    _refused(tmp_path, rf"{folder} is there, but .*captions_{folder}.json is not; unpack annotations_trainval2014.zip")


def _without_captions(said: dict[str, Any]) -> None:
    said["annotations"] = [each for each in said["annotations"] if each["image_id"] != said["images"][0]["id"]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda said: said["images"].pop(), r"5 \(752, 752, …\) captions are of image ids that it does not list"),
        (_without_captions, r"no caption for 1 \(COCO_train2014_000000000900.jpg\) of its images"),
        (lambda said: said["images"].append(said["images"][0]), "expected each image once"),
        (lambda said: said["images"][1].pop("file_name"), "expected images with id and file_name.*KeyError"),
        (lambda said: said["annotations"][1].update(caption=None), "expected .*caption.*TypeError"),
        (lambda said: said["annotations"][1].update(image_id="x"), "expected .*image_id.*ValueError"),
        (lambda said: said.pop("annotations"), "expected lists of images and annotations"),
        (lambda said: said.update(images=[]), "expected lists of images and annotations"),
    ],
)
def test_a_caption_file_at_odds_with_itself_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    said = coco(tmp_path / "data" / "coco")["train2014"]
    change(said)
    write_captions(tmp_path / "data" / "coco", "train2014", said)
    assert "captions_train2014.json" in _refused(tmp_path, says)


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"images": ', "\x00", "[" * 100_000])
def test_a_file_that_is_no_caption_file_is_refused(tmp_path: Path, content: str) -> None:
    coco(tmp_path / "data" / "coco")
    write_captions(tmp_path / "data" / "coco", "val2014", content)
    _refused(tmp_path, r"captions_val2014.json(: expected lists| is no caption file)")


def test_images_that_are_missing_or_untold_are_counted(tmp_path: Path) -> None:
    coco(tmp_path / "data" / "coco")
    folder = tmp_path / "data" / "coco" / "train2014"
    picture(folder / "COCO_train2014_000000000001.jpg", photograph(1, 64, 64))
    _refused(tmp_path, r"does not match .*train2014: no caption for 1 \(COCO_train2014_000000000001.jpg\) images")
    (folder / "COCO_train2014_000000000900.jpg").unlink()
    _refused(tmp_path, r"does not match .*train2014: 1 \(COCO_train2014_000000000900.jpg\) of its images are missing")


def test_captions_of_the_other_folder_are_refused(tmp_path: Path) -> None:
    said = coco(tmp_path / "data" / "coco")
    write_captions(tmp_path / "data" / "coco", "train2014", said["val2014"])
    _refused(tmp_path, r"captions_train2014.json does not match .*train2014: 3 \(COCO_val2014_.*missing; unpack")
