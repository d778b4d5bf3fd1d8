"""Folders that appear whole or not at all, whatever ends the writing and whatever stands in their place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.files import whole_folder as module
from bench.files.whole_folder import put_in_place, whole_folder

ROOT = Path(__file__).parents[3]


def _write(folder: Path, text: str = "new", **options: object) -> None:
    with whole_folder(folder, **options) as temporary:  # type: ignore[arg-type]
        (temporary / "file").write_text(text)


def _made(folder: Path, text: str = "old") -> Path:
    folder.mkdir()
    (folder / "file").write_text(text)
    return folder


def _content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_it_is_there_once_the_block_has_ended_and_nothing_else_is(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    with whole_folder(folder) as temporary:
        (temporary / "file").write_text("new")
        assert not folder.exists() and temporary.parent == folder.parent
    assert _content(folder) == {"file": "new"}
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_its_mode_is_the_umasks(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        _write(tmp_path / "folder")
    finally:
        os.umask(before)
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~mask


@pytest.mark.parametrize("failure", [OSError, MemoryError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("stands", [False, True])
def test_a_failure_in_the_middle_leaves_all_as_it_was(
    tmp_path: Path, failure: type[BaseException], stands: bool
) -> None:
    before = _content(_made(tmp_path / "folder")) if stands else None
    with pytest.raises(failure), whole_folder(tmp_path / "folder", is_damaged=lambda: True) as temporary:
        (temporary / "file").write_text("new")
        raise failure
    assert [path.name for path in tmp_path.iterdir()] == (["folder"] if stands else [])
    assert before is None or _content(tmp_path / "folder") == before


def test_its_name_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[Path, bool]] = []
    monkeypatch.setattr(module, "sync_folder", lambda parent: synced.append((parent, (tmp_path / "folder").exists())))
    _write(tmp_path / "folder")
    assert synced == [(tmp_path, True)]


# what stands in its place


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    _write(tmp_path / "folder")
    assert _content(tmp_path / "folder") == {"file": "new"}


@pytest.mark.parametrize("made", [_made, lambda path: path.write_text("old")])
def test_anything_else_is_refused_and_kept(tmp_path: Path, made: object) -> None:
    assert callable(made)
    made(tmp_path / "folder")
    with pytest.raises(OSError, match=r"not empty|Not a directory"):
        _write(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    kept = tmp_path / "folder" / "file" if (tmp_path / "folder").is_dir() else tmp_path / "folder"
    assert kept.read_text() == "old"


def test_a_damaged_one_is_replaced_under_its_readers(tmp_path: Path) -> None:
    with (_made(tmp_path / "folder") / "file").open() as reader:
        _write(tmp_path / "folder", is_damaged=lambda: True)
        assert reader.read() == "old"
    assert _content(tmp_path / "folder") == {"file": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_whole_one_of_a_quicker_process_stays(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "folder", is_damaged=lambda: False) as temporary:
        (temporary / "file").write_text("late")
        _made(tmp_path / "folder", "quick")
    assert _content(tmp_path / "folder") == {"file": "quick"}
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_one_that_vanishes_when_it_is_to_be_moved_aside_is_no_failure(tmp_path: Path) -> None:
    folder = _made(tmp_path / "folder")

    def is_damaged() -> bool:
        (folder / "file").unlink()
        folder.rmdir()
        return True

    _write(folder, is_damaged=is_damaged)
    assert _content(folder) == {"file": "new"}


def test_it_gives_up_on_a_place_that_is_damaged_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, remove = _made(tmp_path / "folder"), module._remove

    def damaged_anew(path: Path) -> None:
        remove(path)
        _made(path)

    monkeypatch.setattr(module, "_remove", damaged_anew)
    with pytest.raises(OSError, match="not empty"):
        _write(folder, is_damaged=lambda: True)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_put_in_place_leaves_what_it_could_not_place(tmp_path: Path) -> None:
    _made(tmp_path / "folder")
    with pytest.raises(OSError, match="not empty"):
        put_in_place(_made(tmp_path / "hours", "of work"), tmp_path / "folder")
    assert _content(tmp_path / "hours") == {"file": "of work"}


# killed processes

SCRIPT = """
import os, signal, sys
from pathlib import Path
from bench.files.whole_folder import whole_folder
with whole_folder(Path(sys.argv[1])) as temporary:
    (temporary / "file").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_no_folder_and_what_it_left_is_swept_when_old(tmp_path: Path) -> None:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / "folder")], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    (leftover,) = tmp_path.iterdir()
    assert leftover.name.startswith(".tmp-folder-")
    _write(tmp_path / "other", sweep=True)
    assert leftover.exists(), "it may still be written to"
    for path in (leftover / "file", leftover):
        os.utime(path, (time.time() - 48 * 3600,) * 2)
    _write(tmp_path / "third")
    assert leftover.exists(), "only where it is asked for: users keep files of any name"
    _write(tmp_path / "fourth", sweep=True)
    assert not leftover.exists()
