"""The cache of decoded arrays: whole or absent, checked at every load, shared by processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench.data import Dataset, load_dataset
from tests.bench.data.makers import pixels

IMAGES = pixels(0, 200, 16, 16, 3)
ROOT = Path(__file__).parents[3]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    np.savez(tmp_path / "x.npz", images=IMAGES, labels=np.arange(200) % 3)
    return tmp_path / "x.npz"


def _load(archive: Path) -> Dataset:
    return load_dataset(f"npz:{archive}", cache_dir=archive.parent / "cache")


def _folder(archive: Path) -> Path:
    (folder,) = (archive.parent / "cache" / "datasets").iterdir()
    return folder


def test_layout_is_name_fingerprint_arrays_and_a_json(archive: Path) -> None:
    dataset = _load(archive)
    folder = _folder(archive)
    assert folder.name == f"npz-x-{dataset.fingerprint[:16]}"
    names = {f"{split}_{kind}.npy" for split in ("train", "held_out") for kind in ("images", "labels")}
    assert {path.name for path in folder.iterdir()} == names | {"meta.json"}
    assert json.loads((folder / "meta.json").read_text())["fingerprint"] == dataset.fingerprint
    assert np.array_equal(np.load(folder / "train_images.npy"), dataset.train.images)


def test_is_written_once(archive: Path) -> None:
    _load(archive)
    before = (_folder(archive).stat().st_ino, _folder(archive).stat().st_mtime_ns)
    _load(archive)
    assert (_folder(archive).stat().st_ino, _folder(archive).stat().st_mtime_ns) == before


@pytest.mark.parametrize("name", ["train_images.npy", "held_out_labels.npy", "meta.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "gone"])
def test_damage_is_found_and_rebuilt(archive: Path, name: str, damage: str) -> None:
    good = np.array(_load(archive).train.images)
    path = _folder(archive) / name
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        data[len(data) // 2] ^= 0x7F
        path.write_bytes({"cut": data[:-7], "flip": data, "empty": b""}[damage])
    again = _load(archive)
    assert np.array_equal(again.train.images, good) and again.card["train"] == 180
    assert len(list((archive.parent / "cache" / "datasets").iterdir())) == 1


def test_other_fingerprint_in_the_json_is_not_trusted(archive: Path) -> None:
    _load(archive)
    meta = _folder(archive) / "meta.json"
    meta.write_text(meta.read_text().replace(_load(archive).fingerprint, "0" * 64))
    assert len(_load(archive).train) == 180 and "0" * 64 not in meta.read_text()


def test_mapped_arrays_outlive_a_rebuild(archive: Path) -> None:
    first = _load(archive)
    good = np.array(first.train.images)
    (_folder(archive) / "meta.json").write_text("{}")
    _load(archive)
    assert np.array_equal(first.train.images, good)


def test_the_quicker_of_two_builders_wins(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process writes the folder while this one decodes: what that one wrote stays."""
    from bench.data import cache

    quicker: list[int] = []

    def overtaken(folder: Path, chunks: object) -> dict[str, str]:
        monkeypatch.undo()
        _load(archive)
        (theirs,) = (archive.parent / "cache" / "datasets").glob("npz-x-*")
        quicker.append(theirs.stat().st_ino)
        return write(folder, chunks)  # type: ignore[arg-type]

    write = cache._write_splits
    monkeypatch.setattr(cache, "_write_splits", overtaken)
    assert len(_load(archive).train) == 180
    assert [_folder(archive).stat().st_ino] == quicker


def test_a_decoder_that_breaks_off_leaves_nothing(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.data import cache

    def broken(chunk: object) -> object:
        raise MemoryError

    monkeypatch.setattr(cache, "_arrays", broken)
    with pytest.raises(MemoryError):
        _load(archive)
    assert list((archive.parent / "cache" / "datasets").iterdir()) == []


SCRIPT = """
import sys, resource
from pathlib import Path
from bench.data import load_dataset
if len(sys.argv) > 3:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
try:
    print(len(load_dataset("npz:" + sys.argv[1], cache_dir=Path(sys.argv[2])).train))
except OSError as error:
    print("OSError", error)
"""


def _start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", SCRIPT, *map(str, arguments)]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_processes_may_build_at_once(archive: Path, tmp_path: Path) -> None:
    runs = [_start(archive, tmp_path / "cache") for _ in range(3)]
    outputs = [run.communicate(timeout=60) for run in runs]
    assert outputs == [("180\n", "")] * 3
    assert len(list((tmp_path / "cache" / "datasets").iterdir())) == 1


def test_full_disk_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    """A limit on file size stands in for the full disk: the same failing write, without a file system of our own."""
    output, errors = _start(archive, tmp_path / "cache", 50_000).communicate(timeout=60)
    assert output.startswith("OSError") and str(tmp_path / "cache" / "datasets" / "npz-x-") in output and errors == ""
    assert list((tmp_path / "cache" / "datasets").iterdir()) == []
    assert len(_load(archive).train) == 180


def test_cache_that_cannot_be_made_is_an_os_error(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        load_dataset(f"npz:{archive}", cache_dir=tmp_path / "file")


def test_leftovers_of_killed_builders_are_swept_when_old(archive: Path) -> None:
    datasets = archive.parent / "cache" / "datasets"
    for name, age in (("old", 48), ("young", 1)):
        leftover = datasets / f".tmp-x-{name}"
        leftover.mkdir(parents=True)
        os.utime(leftover, (time.time() - age * 3600,) * 2)
    _load(archive)
    assert {path.name for path in datasets.glob(".tmp-*")} == {".tmp-x-young"}
