"""``imagenet`` as ILSVRC 2012 unpacks, and the ways in which that goes wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import Dataset, find_recipe, load_dataset
from bench.data.crops import adm_square
from tests.bench.data.makers import picture
from tests.bench.data.trees import WNIDS, imagenet, photograph


def _load(root: Path, size: int | None = None) -> Dataset:
    return load_dataset("imagenet", data_dir=root / "data", cache_dir=root / "cache", image_size=size)


def _refused(root: Path, says: str) -> str:
    with pytest.raises(ValueError, match=says) as caught:
        _load(root)
    assert "\n" not in str(caught.value) and not list((root / "cache").glob("datasets/*"))
    return str(caught.value)


@pytest.mark.parametrize(("size", "expected"), [(None, 64), (256, 256), (512, 512)])
def test_sizes_crops_and_labels(tmp_path: Path, size: int | None, expected: int) -> None:
    root = imagenet(tmp_path / "data" / "imagenet", train=2, val=1)
    dataset = _load(tmp_path, size)
    assert dataset.train.images.shape == (6, 3, expected, expected) and dataset.image_size == expected
    assert dataset.held_out is not None and dataset.train.labels is not None and dataset.held_out.labels is not None
    assert dataset.train.labels.tolist() == [0, 0, 1, 1, 2, 2] and dataset.held_out.labels.tolist() == [0, 1, 2]
    assert (dataset.num_classes, dataset.channels, dataset.flip) == (3, 3, True)
    files = sorted((root / "train").rglob("*.JPEG"))
    for file, image in zip(files, dataset.train.images, strict=True):
        assert np.array_equal(image, np.asarray(adm_square(Image.open(file), expected)).transpose(2, 0, 1))


@pytest.mark.parametrize("below", ["imagenet", "ILSVRC2012", "imagenet/ILSVRC/Data/CLS-LOC", "ILSVRC/Data/CLS-LOC"])
def test_found_in_the_usual_places(tmp_path: Path, below: str) -> None:
    imagenet(tmp_path / "data" / below, train=1, val=1)
    assert len(_load(tmp_path).train) == 3


def test_modes_and_orientation_are_taken_as_the_pixels_lie(tmp_path: Path) -> None:
    """ImageNet holds grey, CMYK and turned pictures, and a PNG under another name; ADM's code turns none."""
    folder = tmp_path / "data" / "imagenet" / "train" / WNIDS[0]
    picture(folder / "a_1.JPEG", photograph(1, 80, 120)[..., 0])
    Image.fromarray(photograph(2, 80, 120)).convert("CMYK").save(folder / "a_2.JPEG")
    Image.fromarray(photograph(3, 80, 120)).save(folder / "a_3.JPEG", format="PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(folder / "a_4.JPEG", photograph(4, 80, 120), exif=exif, quality=95)
    images = find_recipe("imagenet", data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", image_size=80).decode()
    found = {chunk.split: chunk.images for chunk in images}
    assert len(found["train"]) == 3 and len(found["held_out"]) == 1
    upright = photograph(4, 80, 120)[:, 20:100].transpose(2, 0, 1).astype(int)
    distances = [np.abs(image.astype(int) - upright).mean() for images in found.values() for image in images]
    assert min(distances) < 3


def test_without_val_one_in_ten_is_held_out(tmp_path: Path) -> None:
    imagenet(tmp_path / "data" / "imagenet", train=10, val=0, wnids=WNIDS[:2])
    dataset = _load(tmp_path)
    assert (len(dataset.train), len(dataset.held_out or ())) == (18, 2) and "permutation" in dataset.card["note"]
    assert dataset.train.labels is not None and dataset.held_out is not None and dataset.held_out.labels is not None
    assert sorted([*dataset.train.labels, *dataset.held_out.labels]) == [0] * 10 + [1] * 10


def test_kaggle_s_flat_val_is_solved_by_its_key(tmp_path: Path) -> None:
    root = imagenet(tmp_path / "data" / "imagenet" / "ILSVRC" / "Data" / "CLS-LOC", train=1, val=2)
    expected = _flatten(root)
    rows = "".join(f"{name},{wnid} 1 2 3 4 {wnid} 5 6 7 8 \n" for name, wnid in expected.items())
    key = tmp_path / "data" / "imagenet" / "LOC_val_solution.csv"
    key.write_text("ImageId,PredictionString\n" + rows)
    dataset = _load(tmp_path)
    assert dataset.held_out is not None and dataset.held_out.labels is not None
    assert [WNIDS[label] for label in dataset.held_out.labels] == [expected[name] for name in sorted(expected)]
    key.write_text("ImageId,PredictionString\n" + rows.partition("\n")[2])
    with pytest.raises(ValueError, match=r"LOC_val_solution.csv does not match .*no class for 1 \(ILSVRC2012_val_"):
        _load(tmp_path)


def _flatten(root: Path) -> dict[str, str]:
    """Move the images of ``val`` out of their folders; class by stem, shuffled against the order of names."""
    wnid_of = {}
    for file in sorted((root / "val").rglob("*.JPEG")):
        stem = f"ILSVRC2012_val_{997 * int(file.stem[-8:]) % 1000:08d}"
        wnid_of[stem] = file.parent.name
        file.rename(root / "val" / f"{stem}.JPEG")
    for folder in (root / "val").iterdir():
        if folder.is_dir():
            folder.rmdir()
    return wnid_of


def test_a_flat_val_without_its_key_says_how_to_mend_it(tmp_path: Path) -> None:
    _flatten(imagenet(tmp_path / "data" / "imagenet", train=1))
    _refused(tmp_path, r"expected val/<WordNet id>/<image>.JPEG.*move them.*LOC_val_solution.csv.*or remove val")


def test_fingerprint_follows_content_and_size(tmp_path: Path) -> None:
    def fingerprint(size: int | None = None) -> str:
        return find_recipe(
            "imagenet", data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", image_size=size
        ).fingerprint

    root = imagenet(tmp_path / "data" / "imagenet", train=1, val=1)
    prints = [fingerprint(), fingerprint(256)]
    picture(root / "val" / WNIDS[0] / "ILSVRC2012_val_00000001.JPEG", photograph(7, 90, 90))
    prints.append(fingerprint())
    (root / "val" / WNIDS[0]).rename(root / "val" / "elsewhere")
    (root / "val" / WNIDS[1]).rename(root / "val" / WNIDS[0])
    (root / "val" / "elsewhere").rename(root / "val" / WNIDS[1])
    assert len({*prints, fingerprint()}) == 4


# wrong trees


def test_nothing_there_says_where_it_looked(tmp_path: Path) -> None:
    assert str(tmp_path / "data" / "imagenet") in _refused(tmp_path, r"imagenet not found: no train/ in .*n01440764_")


def test_archives_still_packed_are_seen(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "imagenet" / "train"
    folder.mkdir(parents=True)
    _refused(tmp_path, r"no images below .*train; expected train/<WordNet id>/")
    for wnid in WNIDS:
        (folder / f"{wnid}.tar").write_bytes(b"")
    _refused(tmp_path, r"got 3 \(n01440764.tar, n01443537.tar, …\): unpack each into a folder of its name")


@pytest.mark.parametrize("name", ["loose.JPEG", "cat/1.JPEG", "n01440764/deeper/1.JPEG", "n0144/1.JPEG"])
def test_folders_that_are_no_classes_are_named(tmp_path: Path, name: str) -> None:
    root = imagenet(tmp_path / "data" / "imagenet", train=1, val=0)
    picture(root / "train" / name, photograph(1, 80, 80))
    assert name in _refused(tmp_path, r"expected train/<WordNet id>/<image>.JPEG.*got ")


def test_val_must_keep_to_the_classes_of_train(tmp_path: Path) -> None:
    root = imagenet(tmp_path / "data" / "imagenet", train=1, val=1)
    (root / "train" / WNIDS[2]).rename(root / "gone")
    _refused(tmp_path, r"val: expected the classes of train alone, but 1 \(n02123045\) are not there")


def test_an_empty_val_is_refused(tmp_path: Path) -> None:
    root = imagenet(tmp_path / "data" / "imagenet", train=1, val=0)
    (root / "val").mkdir()
    _refused(tmp_path, r"no images below .*val; fill it or remove it")


def test_a_damaged_photograph_is_named(tmp_path: Path) -> None:
    root = imagenet(tmp_path / "data" / "imagenet", train=1, val=0)
    path = root / "train" / WNIDS[1] / f"{WNIDS[1]}_10.JPEG"
    path.write_bytes(path.read_bytes()[:300])
    assert path.name in _refused(tmp_path, "cannot read the image")
