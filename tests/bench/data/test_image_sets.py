"""`load_images`: whatever ``uvit score`` is given, taken whole and as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.data import load_dataset, load_images
from tests.bench.data.makers import cifar_batches, cifar_folder, picture, pixels


def test_folder_is_taken_at_its_own_size_in_order_of_names(tmp_path: Path) -> None:
    for i in (2, 0, 1):
        picture(tmp_path / "x" / f"{i}.png", pixels(i, 20, 24, 3))
    split = load_images(str(tmp_path / "x"))
    assert split.images.shape == (3, 3, 20, 24) and split.labels is None and split.name == "folder:x"
    assert all((split.images[i] == pixels(i, 20, 24, 3).transpose(2, 0, 1)).all() for i in range(3))
    (tmp_path / "x").rename(tmp_path / "y")
    assert load_images(tmp_path / "y").fingerprint == split.fingerprint
    picture(tmp_path / "y" / "1.png", pixels(9, 20, 24, 3))
    assert load_images(tmp_path / "y").fingerprint != split.fingerprint


def test_npz_is_taken_whole(tmp_path: Path) -> None:
    images = pixels(0, 1, 6, 10, 1)
    np.savez(tmp_path / "x.npz", arr_0=images, arr_1=np.array([3]))
    split = load_images(tmp_path / "x.npz")
    assert np.array_equal(split.images, images.transpose(0, 3, 1, 2)) and split.images.flags.c_contiguous
    assert split.labels is not None and split.labels.tolist() == [3] and split.name == "npz:x"


def test_dataset_splits_by_name(tmp_path: Path) -> None:
    cifar_folder(tmp_path / "data" / "cifar-10-batches-py", cifar_batches())
    folders = {"data_dir": tmp_path / "data", "cache_dir": tmp_path / "cache"}
    train, held_out = (load_images(f"cifar10:{split}", **folders) for split in ("train", "held_out"))
    assert (len(train), len(held_out)) == (30, 6) and train.name == "cifar10:train"
    assert train.fingerprint == load_dataset("cifar10", **folders).train.fingerprint != held_out.fingerprint


def test_own_images_may_name_a_split_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=pixels(0, 20, 8, 8, 3))
    assert len(load_images(f"npz:{tmp_path / 'x.npz'}:held_out", cache_dir=tmp_path / "cache")) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("photos", "which split of photos. write photos:train or photos:held_out"),
        ("photos:test", "which split of photos"),
        ("npz:a.npz", "write npz:a.npz:train"),
        ("nothing/here", "expected a folder of images, an .npz file or dataset:split"),
        ("nothing.npz", "nothing.npz is not there"),
        ("fotos:train", "unknown dataset"),
        ("", "expected a folder"),
        (":train", "expected a folder"),
    ],
)
def test_wrong_texts_are_refused_in_one_line(
    text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=says) as caught:
        load_images(text, cache_dir=tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_wrong_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(ValueError, match="no images in"):
        load_images(tmp_path / "x")
    picture(tmp_path / "x" / "a.png", pixels(0, 8, 8, 3))
    picture(tmp_path / "x" / "b.png", pixels(0, 8, 9, 3))
    with pytest.raises(ValueError, match=r"a\.png is 8x8 and b\.png is 9x8; resize"):
        load_images(tmp_path / "x")
    (tmp_path / "x" / "b.png").write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"cannot read the image .*b\.png"):
        load_images(tmp_path / "x")


def test_split_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    from bench.data import DATASETS, Chunk, Recipe, Source

    recipe = Recipe(
        name="whole",
        fingerprint="cd" * 32,
        image_size=4,
        channels=1,
        num_classes=0,
        flip=False,
        decode=lambda: iter([Chunk("train", pixels(0, 3, 1, 4, 4), None)]),
    )
    DATASETS.register("whole-for-a-test", Source(name="whole-for-a-test", description="x", find=lambda _: recipe))
    with pytest.raises(ValueError, match="no held-out split; write whole-for-a-test:train"):
        load_images("whole-for-a-test:held_out", cache_dir=tmp_path)
