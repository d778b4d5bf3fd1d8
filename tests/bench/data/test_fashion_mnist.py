"""``fashion-mnist`` from IDX files, and from Debian's package where that is installed."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from bench.data import Dataset, load_dataset
from bench.data.sources import fashion_mnist
from tests.bench.data import makers


@pytest.fixture(autouse=True)
def no_system_folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not request.node.name.startswith("test_debian"):
        monkeypatch.setattr(fashion_mnist, "SYSTEM_FOLDERS", (tmp_path / "system" / "fashion-mnist",))


def _load(root: Path) -> Dataset:
    return load_dataset("fashion-mnist", data_dir=root / "data", cache_dir=root / "cache")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("below", ["data", "data/fashion-mnist", "data/FashionMNIST/raw", "system/fashion-mnist"])
def test_is_found_and_padded(tmp_path: Path, below: str, zipped: bool) -> None:
    arrays = makers.fashion_folder(tmp_path / below, zipped=zipped)
    dataset = _load(tmp_path)
    assert dataset.train.images.shape == (12, 1, 32, 32) and dataset.held_out is not None
    assert np.array_equal(dataset.train.images[:, 0, 2:30, 2:30], arrays["train-images-idx3-ubyte"])
    assert np.array_equal(dataset.held_out.images[:, 0, 2:30, 2:30], arrays["t10k-images-idx3-ubyte"])
    border = np.ones((32, 32), bool)
    border[2:30, 2:30] = False
    assert not dataset.train.images[:, 0, border].any()
    assert dataset.train.labels is not None and dataset.train.labels.tolist() == [*range(10), 0, 1]
    assert (dataset.num_classes, dataset.channels, dataset.image_size, dataset.flip) == (10, 1, 32, False)
    assert dataset.card["official"] is False


def test_packing_and_place_do_not_change_the_fingerprint(tmp_path: Path) -> None:
    makers.fashion_folder(tmp_path / "a" / "data", zipped=True)
    makers.fashion_folder(tmp_path / "b" / "data" / "fashion-mnist", zipped=False)
    makers.fashion_folder(tmp_path / "c" / "data", rows=14)
    prints = [_load(tmp_path / name).fingerprint for name in "abc"]
    assert prints[0] == prints[1] != prints[2]


def test_absence_names_the_debian_package_and_the_places(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="apt-get install dataset-fashion-mnist") as caught:
        _load(tmp_path)
    text = str(caught.value)
    assert str(tmp_path / "data" / "fashion-mnist") in text and str(tmp_path / "system") in text
    assert "photos needs nothing" in text and "\n" not in text and not (tmp_path / "cache").exists()


def test_incomplete_folder_names_what_it_lacks(tmp_path: Path) -> None:
    makers.fashion_folder(tmp_path / "data")
    (tmp_path / "data" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match="lacks t10k-labels-idx1-ubyte"):
        _load(tmp_path)


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("train-images-idx3-ubyte.gz", _cut, "damaged or cut short"),
        ("train-images-idx3-ubyte.gz", lambda _: b"hello", "damaged or cut short"),
        ("train-images-idx3-ubyte.gz", lambda _: b"", "IDX|damaged"),
        ("train-images-idx3-ubyte.gz", lambda data: gzip.compress(gzip.decompress(data)[:-1]), "header promises"),
        ("train-images-idx3-ubyte.gz", lambda data: gzip.compress(gzip.decompress(data)[:9]), "expected an IDX"),
        ("t10k-images-idx3-ubyte.gz", lambda _: gzip.compress(makers.idx(makers.pixels(0, 6, 8, 8))), "28x28"),
        ("t10k-images-idx3-ubyte.gz", lambda _: gzip.compress(makers.idx(makers.pixels(0, 6))), "3 dimensions"),
        ("t10k-labels-idx1-ubyte.gz", lambda _: gzip.compress(makers.idx(np.zeros(5, np.uint8))), "6 labels below 10"),
        ("t10k-labels-idx1-ubyte.gz", lambda _: gzip.compress(makers.idx(np.full(6, 10, np.uint8))), "labels below"),
    ],
)
def test_damage_is_one_line_that_names_the_file(tmp_path: Path, name: str, change: object, says: str) -> None:
    makers.fashion_folder(tmp_path / "data")
    path = tmp_path / "data" / name
    assert callable(change)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=says) as caught:
        _load(tmp_path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/usr/share/datasets/fashion-mnist").is_dir(), reason="Debian's package is not installed")
def test_debian_package_is_the_official_data(tmp_path: Path) -> None:
    dataset = _load(tmp_path)
    assert dataset.held_out is not None and dataset.train.labels is not None
    assert (len(dataset.train), len(dataset.held_out)) == (60_000, 10_000)
    assert np.bincount(dataset.train.labels).tolist() == [6_000] * 10
    assert dataset.card["official"] is True
