"""Signs of life: whole files at a modest rate, gone at the end; what was killed is told from what runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from results import running
from results.running import Heartbeat, beating, read_running

CELL: dict[str, Any] = {"train_id": "ab" * 8, "variant": "uvit-micro/4", "seed": 1, "steps": 100, "batch_size": 8}


def heartbeat(**changes: Any) -> Heartbeat:
    fields = {**CELL, "started": 1000.0, "updated": 1030.0, "host": running.platform.node(), "pid": os.getpid()}
    return Heartbeat(**fields | changes)


def test_a_cell_is_seen_while_it_runs_and_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SECONDS", 0.0)
    told: list[dict[str, Any]] = []
    with beating(tmp_path, **CELL, tell=told.append) as tell:
        (beat,) = read_running(tmp_path)
        assert (beat.doing, beat.step, beat.seconds_a_step, beat.alive) == ("starting", 0, None, True)
        tell({"train_id": CELL["train_id"], "step": 10, "steps": 100, "loss": 0.5, "imgs_per_s": 80.0})
        tell({"train_id": CELL["train_id"], "step": 30, "steps": 100, "doing": "sampling 8/16"})
        (beat,) = read_running(tmp_path)
        assert (beat.step, beat.first_step, beat.loss, beat.imgs_per_s) == (30, 10, 0.5, 80.0)
        assert beat.doing == "sampling 8/16"
        assert beat.seconds_a_step == pytest.approx((beat.updated - beat.started) / 20)
    assert [event["step"] for event in told] == [10, 30]
    assert not (tmp_path / "running").exists()


def test_it_goes_when_the_cell_raises(tmp_path: Path) -> None:
    with pytest.raises(SystemExit), beating(tmp_path, **CELL, tell=lambda event: None):
        raise SystemExit
    assert read_running(tmp_path) == []


def test_at_most_one_write_in_two_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(running, "time", SimpleNamespace(time=time.time, monotonic=lambda: now[0]))
    with beating(tmp_path, **CELL, tell=lambda event: None) as tell:
        for seconds, step, written in [(100.0, 1, 1), (100.1, 2, 1), (101.9, 3, 1), (102.0, 4, 4), (103.9, 5, 4)]:
            now[0] = seconds
            tell({"step": step, "steps": 100, "doing": "training"})
            assert read_running(tmp_path)[0].step == written


def test_a_folder_that_cannot_be_written_costs_no_cell(tmp_path: Path) -> None:
    (tmp_path / "running").write_text("a file where the folder should be")
    with beating(tmp_path, **CELL, tell=lambda event: None) as tell:
        tell({"step": 1, "steps": 100, "doing": "training"})


def test_a_killed_process_is_told_by_its_pid_and_one_elsewhere_by_its_age() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not heartbeat(pid=ended.pid, updated=time.time()).alive
    assert heartbeat(host="elsewhere", pid=ended.pid, updated=time.time() - 60).alive
    assert not heartbeat(host="elsewhere", updated=time.time() - running.SILENT_SECONDS - 1).alive


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 99}'])
def test_what_cannot_be_read_is_left_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "running").mkdir()
    (tmp_path / "running" / "ab.json").write_text(text)
    assert read_running(tmp_path) == []
    whole = {**json.loads(running.dumps(running.asdict(heartbeat()))), "step": "many"}
    (tmp_path / "running" / "cd.json").write_text(json.dumps(whole))
    assert read_running(tmp_path) == []
