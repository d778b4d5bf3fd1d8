"""``folder:PATH`` and ``npz:PATH``: what users bring, right and wrong."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import Dataset, load_dataset
from bench.data.pixels import read_rgb, square
from tests.bench.data.makers import picture, pixels


def _load(name: str, root: Path, size: int | None = None) -> Dataset:
    return load_dataset(name, cache_dir=root / "cache", data_dir=root / "data", image_size=size)


def _refused(name: str, root: Path, says: str) -> str:
    with pytest.raises(ValueError, match=says) as caught:
        _load(name, root)
    text = str(caught.value)
    assert "\n" not in text
    assert not list((root / "cache").glob("datasets/*")), "nothing half-written"
    return text


def _flat_folder(root: Path, count: int = 20) -> Path:
    for i in range(count):
        picture(root / f"{i:03d}.png", pixels(i, 32, 32, 3))
    return root


# folder


def test_every_format_is_read_and_one_in_ten_held_out(tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    for i, suffix in enumerate((".png", ".jpg", ".JPEG", ".webp", ".bmp") * 4):
        picture(root / f"{i}{suffix}", pixels(i, 40, 48, 3))
    (root / "notes.txt").write_text("not an image")
    picture(root / ".hidden.png", pixels(9, 8, 8, 3))
    picture(root / ".cache" / "x.png", pixels(9, 8, 8, 3))
    dataset = _load(f"folder:{root}", tmp_path)
    assert dataset.held_out is not None
    assert dataset.train.images.shape == (18, 3, 32, 32) and len(dataset.held_out) == 2
    assert dataset.train.labels is None and dataset.num_classes == 0 and not dataset.flip
    assert dataset.name == "folder:pictures" and str(tmp_path) not in str(dataset.card)
    assert "held out" in dataset.card["note"]


def test_sub_folders_are_classes(tmp_path: Path) -> None:
    for name, value in (("dog", 200), ("cat", 10)):
        for i in range(5):
            picture(tmp_path / "x" / name / "deeper" / f"{i}.png", np.full((16, 16, 3), value + i, np.uint8))
    dataset = _load(f"folder:{tmp_path / 'x'}", tmp_path, 16)
    assert dataset.num_classes == 2 and dataset.card["classes"] == ["cat", "dog"]
    assert dataset.train.labels is not None and dataset.train.labels.dtype == np.int64
    assert np.array_equal(dataset.train.images[:, 0, 0, 0] >= 200, dataset.train.labels == 1)


def test_every_image_is_in_exactly_one_split_and_the_order_is_fixed(tmp_path: Path) -> None:
    root = _flat_folder(tmp_path / "x", 30)
    dataset = _load(f"folder:{root}", tmp_path)
    assert dataset.held_out is not None
    seen = [image.tobytes() for split in (dataset.train, dataset.held_out) for image in split.images]
    assert sorted(seen) == sorted(pixels(i, 32, 32, 3).transpose(2, 0, 1).tobytes() for i in range(30))
    again = load_dataset(f"folder:{root}", cache_dir=tmp_path / "other")
    assert np.array_equal(again.held_out.images, dataset.held_out.images)  # type: ignore[union-attr]


def test_crop_is_centred_and_resize_antialiased(tmp_path: Path) -> None:
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, 32:96] = 100
    assert (np.asarray(square(Image.fromarray(wide), 32)) == 100).all()
    checks = np.zeros((128, 128, 3), np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = 200
    inner = np.asarray(square(Image.fromarray(checks), 32))[2:-2, 2:-2].astype(int)
    assert np.abs(inner - 100).max() <= 2  # aliasing would leave 0 and 200


def test_modes_become_upright_rgb_over_white(tmp_path: Path) -> None:
    clear = np.zeros((8, 8, 4), np.uint8)
    assert (np.asarray(read_rgb(picture(tmp_path / "clear.png", clear))) == 255).all()
    assert np.asarray(read_rgb(picture(tmp_path / "grey.png", pixels(0, 8, 8)))).shape == (8, 8, 3)
    palette = Image.fromarray(pixels(1, 8, 8, 3)).quantize(8)
    palette.save(tmp_path / "palette.png", transparency=bytes([0] * 8))
    assert (np.asarray(read_rgb(tmp_path / "palette.png")) == 255).all()
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right
    picture(tmp_path / "turned.png", pixels(2, 4, 8, 3), exif=exif)
    assert read_rgb(tmp_path / "turned.png").size == (4, 8)


def test_fingerprint_follows_content_not_place(tmp_path: Path) -> None:
    root = _flat_folder(tmp_path / "x")
    first = _load(f"folder:{root}", tmp_path).fingerprint
    shutil.copytree(root, tmp_path / "elsewhere" / "y")
    assert _load(f"folder:{tmp_path / 'elsewhere' / 'y'}", tmp_path).fingerprint == first
    assert _load(f"folder:{root}", tmp_path, 16).fingerprint != first
    picture(root / "003.png", pixels(99, 32, 32, 3))
    changed = _load(f"folder:{root}", tmp_path)
    assert changed.fingerprint != first
    assert any((image == pixels(99, 32, 32, 3).transpose(2, 0, 1)).all() for image in changed.train.images) or any(
        (image == pixels(99, 32, 32, 3).transpose(2, 0, 1)).all()
        for image in changed.held_out.images  # type: ignore[union-attr]
    )


def test_corrupt_images_are_named(tmp_path: Path) -> None:
    root = _flat_folder(tmp_path / "x")
    good = (root / "007.png").read_bytes()
    for bad in (good[: len(good) // 2], b"", b"no image at all"):
        (root / "007.png").write_bytes(bad)
        assert "007.png" in _refused(f"folder:{root}", tmp_path, "cannot read the image")


def test_deep_pixels_are_refused_not_clipped(tmp_path: Path) -> None:
    root = _flat_folder(tmp_path / "x")
    Image.fromarray(np.full((32, 32), 4000, np.uint16)).save(root / "deep.png")
    assert "deep.png" in _refused(f"folder:{root}", tmp_path, "more than 8 bits")


def test_wrong_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    _refused(f"folder:{tmp_path / 'empty'}", tmp_path, r"no images in .*empty.*\.png")
    _refused(f"folder:{tmp_path / 'absent'}", tmp_path, "absent is not there")
    file = picture(tmp_path / "one.png", pixels(0, 8, 8, 3))
    _refused(f"folder:{file}", tmp_path, "one.png is a file")
    _refused(f"folder:{_flat_folder(tmp_path / 'single', 1)}", tmp_path, "at least 2 images")
    mixed = _flat_folder(tmp_path / "mixed", 3)
    picture(mixed / "dog" / "a.png", pixels(0, 8, 8, 3))
    _refused(f"folder:{mixed}", tmp_path, "000.png lies beside")
    dangling = _flat_folder(tmp_path / "dangling", 3)
    (dangling / "z.png").symlink_to(tmp_path / "nowhere.png")
    assert "z.png" in _refused(f"folder:{dangling}", tmp_path, "cannot read")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_folder_is_refused(tmp_path: Path) -> None:
    root = _flat_folder(tmp_path / "x")
    root.chmod(0)
    try:
        _refused(f"folder:{root}", tmp_path, "cannot read the image folder")
    finally:
        root.chmod(0o755)


# npz


@pytest.mark.parametrize("keys", [("images", "labels"), ("arr_0", "arr_1")])
def test_npz_with_labels(tmp_path: Path, keys: tuple[str, str]) -> None:
    images, labels = pixels(0, 25, 8, 8, 3), np.arange(25, dtype=np.int32) % 4
    np.savez_compressed(tmp_path / "x.npz", **{keys[0]: images, keys[1]: labels, "mu": np.zeros(3)})
    dataset = _load(f"npz:{tmp_path / 'x.npz'}", tmp_path)
    assert dataset.held_out is not None and (len(dataset.train), len(dataset.held_out)) == (23, 2)
    assert (dataset.num_classes, dataset.channels, dataset.image_size) == (4, 3, 8)
    label_of = {image.transpose(2, 0, 1).tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
    for split in (dataset.train, dataset.held_out):
        assert split.labels is not None
        assert [label_of[image.tobytes()] for image in split.images] == split.labels.tolist()


def test_npz_without_labels_in_one_channel_at_half_size(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=pixels(0, 3, 8, 8, 1))
    dataset = _load(f"npz:{tmp_path / 'x.npz'}", tmp_path, 4)
    assert dataset.train.images.shape == (2, 1, 4, 4) and dataset.num_classes == 0 and dataset.train.labels is None


def test_npz_fingerprint_is_of_the_arrays(tmp_path: Path) -> None:
    images = pixels(0, 4, 8, 8, 3)
    np.savez(tmp_path / "a.npz", images=images)
    np.savez_compressed(tmp_path / "b.npz", arr_0=images)
    np.savez(tmp_path / "c.npz", images=images, labels=np.zeros(4, int))
    prints = [_load(f"npz:{tmp_path / name}.npz", tmp_path).fingerprint for name in "abc"]
    assert prints[0] == prints[1] != prints[2]


def _npz(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, pixels(0, 2, 8, 8, 3))
    return file.getvalue()


GOOD = pixels(0, 4, 8, 8, 3)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "cannot read"),
        (b"hello", "cannot read"),
        (_npz(images=GOOD)[:500], "cannot read"),
        (_npy(), "one bare array"),
        (_npz(pictures=GOOD), "named images or arr_0, got pictures"),
        (_npz(images=GOOD / 255), r"uint8 .* got float64 \(4, 8, 8, 3\)"),
        (_npz(images=GOOD[0]), r"got uint8 \(8, 8, 3\)"),
        (_npz(images=GOOD.transpose(0, 3, 1, 2)), r"C 1 or 3.*got uint8 \(4, 3, 8, 8\)"),
        (_npz(images=GOOD[:0]), "N at least 1"),
        (_npz(images=GOOD[:1]), "at least 2 images"),
        (_npz(images=GOOD[:, :, :4]), "square images to train on, got 8x4"),
        (_npz(images=np.array([{"a": 1}], dtype=object)), "without pickles"),
        (_npz(images=GOOD, labels=np.zeros(3, int)), r"labels of shape \(4,\).*got int64 \(3,\)"),
        (_npz(images=GOOD, labels=np.zeros(4)), "integer labels"),
        (_npz(images=GOOD, labels=np.array([0, 1, -1, 2])), "0 or more, got -1"),
    ],
)
def test_wrong_archives_say_what_was_expected(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "x.npz").write_bytes(data)
    assert "x.npz" in _refused(f"npz:{tmp_path / 'x.npz'}", tmp_path, says)


def test_absent_archive_is_named(tmp_path: Path) -> None:
    _refused(f"npz:{tmp_path / 'absent.npz'}", tmp_path, "absent.npz is not there")
    (tmp_path / "folder.npz").mkdir()
    _refused(f"npz:{tmp_path / 'folder.npz'}", tmp_path, "folder.npz")
