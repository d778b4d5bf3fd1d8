"""Large sets of files: content hashed once, decoded a little at a time, the same from a folder and an archive."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data import cache, progress
from bench.data import image_decoding as decoding
from bench.data.cache import decoded
from bench.data.file_set import FileSet, content_of, open_folder, open_zip
from bench.data.image_decoding import Part, decode_parts
from bench.data.parallel import in_order
from bench.data.source import Recipe
from tests.bench.data.makers import picture, pixels
from tests.bench.data.trees import packed


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for i in range(6):
        picture(tmp_path / "x" / f"{i % 2}" / f"{i}.jpg", pixels(i, 8, 8, 3))
    picture(tmp_path / "x" / ".hidden" / "h.jpg", pixels(9, 8, 8, 3))
    (tmp_path / "x" / "0" / "notes.txt").write_text("no image")
    return tmp_path / "x"


def _counting(files: FileSet) -> tuple[FileSet, list[str]]:
    read: list[str] = []
    return replace(files, read=lambda name: read.append(name) or files.read(name)), read  # type: ignore[func-returns-value]


def test_names_are_sorted_and_hidden_files_left_out(root: Path) -> None:
    assert open_folder(root).names == ["0/0.jpg", "0/2.jpg", "0/4.jpg", "1/1.jpg", "1/3.jpg", "1/5.jpg"]


def test_content_is_read_once_until_a_file_changes(root: Path, tmp_path: Path) -> None:
    first, read = _counting(open_folder(root))
    content = content_of(first, tmp_path / "cache")
    assert sorted(read) == first.names
    again, read = _counting(open_folder(root))
    assert content_of(again, tmp_path / "cache") == content and read == []
    os.utime(root / "1" / "3.jpg", ns=(1, 1))  # touched: read again, and found to be the same
    touched, read = _counting(open_folder(root))
    assert content_of(touched, tmp_path / "cache") == content and len(read) == 6
    picture(root / "1" / "3.jpg", pixels(77, 8, 8, 3))
    assert content_of(open_folder(root), tmp_path / "cache") != content


@pytest.mark.parametrize("change", ["rename", "remove", "add"])
def test_content_depends_on_names_and_count(root: Path, tmp_path: Path, change: str) -> None:
    before = content_of(open_folder(root), tmp_path / "cache")
    if change == "rename":
        (root / "0" / "0.jpg").rename(root / "0" / "00.jpg")
    elif change == "remove":
        (root / "0" / "0.jpg").unlink()
    else:
        picture(root / "0" / "8.jpg", pixels(8, 8, 8, 3))
    assert content_of(open_folder(root), tmp_path / "cache") != before


def test_a_damaged_or_unwritable_memo_costs_time_alone(root: Path, tmp_path: Path) -> None:
    content = content_of(open_folder(root), tmp_path / "cache")
    (memo,) = (tmp_path / "cache" / "contents").iterdir()
    for damage in ("", "[]", '{"other": 1}'):
        memo.write_text(damage)
        assert content_of(open_folder(root), tmp_path / "cache") == content
    (tmp_path / "file").write_text("")
    assert content_of(open_folder(root), tmp_path / "file") == content


def test_archive_and_folder_have_one_content(root: Path, tmp_path: Path) -> None:
    flat = tmp_path / "faces"
    for i in range(3):
        picture(flat / f"{i}.jpg", pixels(i, 8, 8, 3))
    content, data = content_of(open_folder(flat), tmp_path / "cache"), (flat / "1.jpg").read_bytes()
    files = open_zip(packed(flat))
    assert files.names == ["0.jpg", "1.jpg", "2.jpg"] and files.read("1.jpg") == data
    assert content_of(files, tmp_path / "cache") == content


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    picture(tmp_path / "faces" / "0.jpg", pixels(0, 64, 64, 3), quality=100)
    path = packed(tmp_path / "faces")
    data = bytearray(path.read_bytes())
    data[400] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"cannot read 0.jpg in .*faces.zip: .*download"):
        open_zip(path).read("0.jpg")
    path.write_bytes(data[:500])
    with pytest.raises(ValueError, match=r"cannot read .*faces.zip as a zip archive"):
        open_zip(path)


def test_folders_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read .*absent"):
        open_folder(tmp_path / "absent")


def test_threads_keep_the_order_and_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(in_order(lambda x: x * x, range(300))) == [x * x for x in range(300)]
    taken: list[int] = []
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda x: 1 // (x - 5), (taken.append(i) or i for i in range(10_000))))  # type: ignore[func-returns-value]
    assert len(taken) < 5_000, "few are begun before they are wanted"


# decoding


def _recipe(root: Path, size: int, crop: Callable[..., object] | None = None) -> Recipe:
    files = open_folder(root)
    parts = [Part(split="train", files=files, names=files.names, labels=np.arange(len(files.names)))]
    return Recipe(
        name="set",
        fingerprint="ab" * 32,
        image_size=size,
        channels=3,
        num_classes=0,
        flip=False,
        decode=lambda: decode_parts(parts, crop or (lambda image, _: image.resize((size, size))), size=size),  # type: ignore[arg-type]
    )


def test_chunks_are_small_and_in_order(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "CHUNK_BYTES", 4 * 3 * 8 * 8 + 1)
    chunks = list(_recipe(root, 8).decode())
    assert [len(chunk.images) for chunk in chunks] == [4, 2]
    assert [chunk.labels.tolist() for chunk in chunks if chunk.labels is not None] == [[0, 1, 2, 3], [4, 5]]


def test_memory_does_not_grow_with_the_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """160 images of 128x128 are 7.9 MB decoded; a chunk is 0.4 MB."""
    picture(tmp_path / "x" / "0.jpg", pixels(0, 16, 16, 3))
    for i in range(1, 160):
        os.link(tmp_path / "x" / "0.jpg", tmp_path / "x" / f"{i}.jpg")
    monkeypatch.setattr(decoding, "CHUNK_BYTES", 8 * 3 * 128 * 128)
    recipe = _recipe(tmp_path / "x", 128)
    list(recipe.decode())  # Pillow is imported by now
    tracemalloc.start()
    images = decoded(recipe, tmp_path / "cache").images["train"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert images.nbytes == 160 * 3 * 128 * 128 and peak < images.nbytes / 3


def test_an_unreadable_file_is_named(root: Path, tmp_path: Path) -> None:
    (root / "1" / "3.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"cannot read the image .*1/3.jpg"):
        decoded(_recipe(root, 8), tmp_path / "cache")
    assert not list((tmp_path / "cache" / "datasets").iterdir())


def test_long_work_tells_how_far_it_is(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content_of(open_folder(root), tmp_path / "quiet")
    list(_recipe(root, 8).decode())
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    content_of(open_folder(root), tmp_path / "told")
    assert capsys.readouterr().err.splitlines()[-1] == f"reading {root} once, for its fingerprint: 6 of 6"
    list(_recipe(root, 8).decode())
    assert capsys.readouterr().err == f"decoding {root} into the cache: 6 of 6\n"


# the cache of what is too large to be checked at each start


def test_large_files_are_hashed_again_only_when_they_changed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    checksum = cache.sha256_of
    monkeypatch.setattr(cache, "sha256_of", lambda path: hashed.append(path.name) or checksum(path))  # type: ignore[func-returns-value]
    monkeypatch.setattr(cache, "LARGE", 1_000)  # the images are large, the labels are not
    good = np.array(decoded(_recipe(root, 8), tmp_path / "cache").images["train"])
    assert hashed == ["train_labels.npy"]
    (folder,) = (tmp_path / "cache" / "datasets").iterdir()
    os.utime(folder / "train_images.npy")
    decoded(_recipe(root, 8), tmp_path / "cache")
    assert hashed[1:] == ["train_images.npy", "train_labels.npy"], "copied or touched: checked"
    data = bytearray((folder / "train_images.npy").read_bytes())
    data[-1] ^= 1
    (folder / "train_images.npy").write_bytes(data)
    assert np.array_equal(decoded(_recipe(root, 8), tmp_path / "cache").images["train"], good), "written to: rebuilt"
