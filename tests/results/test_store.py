"""The store: what is written is whole, what is damaged is named, names never leave the folder."""

from __future__ import annotations

import dataclasses
import logging
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from results import SCHEMA, Record, Store
from results.manifest import Manifest
from results.store import write_bytes, write_json
from tests.reports.simulated import identity, manifest, record, write_grid
from tests.results.test_record import RECORDS


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@given(records=st.lists(RECORDS, max_size=3, unique_by=lambda r: r.train_id))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    for item in records:
        store.write(item)
        assert store.read(item.train_id) == item
    found, problems = store.records()
    assert found == sorted(records, key=lambda r: r.train_id)
    assert problems == []


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    assert store.records() == ([], [])
    assert store.grids() == {}
    assert store.read("a" * 16) is None
    assert not store.root.exists()


@pytest.mark.parametrize("name", ["", "..", "../x" * 4, "A" * 16, "a" * 11, "a" * 65, "a" * 12 + "/b", "a" * 12 + "\n"])
def test_ids_are_hex(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="train_id: expected 12 to 64"):
        Store(tmp_path).read(name)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a b", "a.b", "a\n", "é", "a" * 101])
def test_grid_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="grid name: expected letters, digits"):
        write_grid(Store(tmp_path), name, manifest())
    assert list(tmp_path.iterdir()) == []


def test_damaged_records_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    good = record("concat", 0)
    store.write(good)
    folder = tmp_path / "records"
    (folder / f"{'1' * 16}.json").write_text(good.to_json()[:500])
    (folder / f"{'2' * 16}.json").write_text(good.to_json())
    (folder / f"{'3' * 16}.json").write_bytes(b"\xff\xff")
    (folder / f"{'4' * 16}.json").mkdir()
    (folder / f"{'5' * 16}.json").symlink_to("nowhere")
    (folder / ".tmp-1-abc").write_text("{")
    found, problems = store.records()
    assert found == [good]
    assert [problem[: problem.index(":")] for problem in problems] == [f"records/{c * 16}.json" for c in "12345"]
    assert "expected the file's own name" in problems[1]
    assert all("\n" not in problem for problem in problems)


def test_a_damaged_record_counts_as_not_run_and_is_written_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, good = Store(tmp_path), record("concat", 0)
    store.write(good).write_text("{")
    with caplog.at_level(logging.WARNING, "uvit"):
        assert store.read(good.train_id) is None
    assert f"records/{good.train_id}.json" in caplog.text
    store.write(good)
    assert store.read(good.train_id) == good


def test_a_record_of_a_later_schema_is_never_taken_for_damaged(tmp_path: Path) -> None:
    store, good = Store(tmp_path), record("concat", 0)
    path = store.write(good)
    path.write_text(good.to_json().replace(f'"schema": {SCHEMA}', f'"schema": {SCHEMA + 1}', 1))
    with pytest.raises(ValueError, match="later uvit"):
        store.read(good.train_id)


def test_grids_round_trip_and_damaged_ones_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(tmp_path)
    write_grid(store, "skip", manifest())
    (tmp_path / "grids" / "bad.json").write_text("{}")
    (tmp_path / "grids" / "a b.json").write_text((tmp_path / "grids" / "skip.json").read_text())
    with caplog.at_level(logging.WARNING, "uvit"):
        assert store.grids() == {"skip": Manifest.from_dict(manifest())}
    assert "grids/bad.json: schema" in caplog.text
    assert "grids/a b.json: expected a file name" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": "nobody"}, "baseline: expected one of the arms concat"),
        ({"arms": []}, "arms: expected a non-empty list"),
        ({"question": None}, "question: expected text"),
        (
            {"endpoint": {"metric": "val_loss", "weights": "raw", "step": "soon"}},
            "endpoint.step: expected a step, 'final'",
        ),
        ({"endpoint": {"metric": 1}}, "endpoint.metric"),
        ({"arms": [{"arm": "concat", "variant": "v", "cells": [{"seed": 0, "train_id": "../x"}]}]}, r"arms\[0\].cells"),
        (
            {"arms": [{"arm": "concat", "variant": "v", "cells": [{"seed": 0, "train_id": "a" * 12}] * 2}]},
            r"arms\[0\].cells: expected each seed once",
        ),
        ({"arms": [{"arm": "concat", "variant": "v", "cells": []}] * 2}, "arms: expected names without repetition"),
        ({"arms": ["concat"]}, r"arms\[0\]: expected an object"),
        ({"schema": 9}, "schema 9 was written by a later uvit"),
    ],
)
def test_an_incomplete_manifest_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^grid skip: {message}"):
        write_grid(Store(tmp_path), "skip", manifest() | change)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole_and_keeps_the_users_mode(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "x.json"
    write_json(path, {"a": 1})
    assert write_bytes(path, b"new") == path
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["x.json"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_a_reader_keeps_the_file_that_it_opened(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "x.json", b"old" * 1000)
    with path.open("rb") as reader:
        write_bytes(path, b"new")
        assert reader.read() == b"old" * 1000


def test_what_cannot_be_json_leaves_nothing(tmp_path: Path) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(RecursionError):
        write_json(tmp_path / "x.json", circle)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB, where this machine lets tests mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(small_disk: Path) -> None:
    path = write_bytes(small_disk / "x.json", b"old")
    with pytest.raises(OSError, match="No space left") as caught:
        write_bytes(path, b"x" * 200_000)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert names(small_disk) == ["x.json"]


def test_a_read_only_disk_says_which_file(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match="Read-only file system"):
        Store(small_disk).write(record("concat", 0))


def test_an_error_of_fsync_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the one failure that no test machine shows on demand: a disk that fails when the file is flushed
    def fail(handle: int) -> None:
        raise OSError(5, "Input/output error")

    path = write_bytes(tmp_path / "x.json", b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x.json"]


def test_the_simulated_ids_are_ids() -> None:
    assert len(identity("concat", 0)) == 16


def test_repeats_lie_apart_from_seeds(tmp_path: Path) -> None:
    store, seed = Store(tmp_path), record("concat", 0)
    repeats = [dataclasses.replace(seed, repeat=number) for number in (1, 2)]
    for each in (seed, *repeats):
        store.write(each)
    assert store.records() == ([seed], [])
    assert store.repeats() == (repeats, [])
    assert sorted(names(tmp_path / "repeats")) == [f"{seed.train_id}-1.json", f"{seed.train_id}-2.json"]
    assert [store.read(seed.train_id, repeat) for repeat in range(4)] == [seed, *repeats, None]


def test_a_repeat_among_seeds_and_a_seed_among_repeats_are_damaged(tmp_path: Path) -> None:
    store, seed = Store(tmp_path), record("concat", 0)
    store.write(seed).write_text(dataclasses.replace(seed, repeat=1).to_json())
    assert store.records() == (
        [],
        [f"records/{seed.train_id}.json: repeat: expected 0, got 1: a repeat's record lies in repeats/"],
    )
    path = store.write(dataclasses.replace(seed, repeat=2))
    path.write_text(seed.to_json())
    problem = f"repeats/{path.name}: name: expected the file's own name, got {seed.train_id}"
    assert store.repeats() == ([], [problem])
