"""``uvit watch``: cells by what is known of them, the time left, one frame or until the grid is complete."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

import reports
from reports.watch import screen as watch_module
from reports.watch.screen import watch
from reports.watch.state import GridState, duration, grid_state
from results import Store
from results.running import Heartbeat
from results.schema import dumps
from tests.reports.simulated import identity, manifest, record, skip_run, write_grid

ROOT = Path(__file__).resolve().parents[3]


def beat(arm: str, seed: int, **changes: Any) -> Heartbeat:
    """A cell 100 s into its run, a quarter done."""
    import platform

    fields: dict[str, Any] = {
        "train_id": identity(arm, seed), "variant": f"v+skip={arm}", "seed": seed, "step": 250, "steps": 1000,
        "batch_size": 32, "doing": "training", "loss": 0.0512, "imgs_per_s": 80.0, "first_step": 0,
        "started": time.time() - 100, "updated": time.time(), "host": platform.node(), "pid": os.getpid(),
    }  # fmt: skip
    return Heartbeat(**fields | changes)


def put(store: Store, found: Heartbeat) -> None:
    folder = store.root / "running"
    folder.mkdir(exist_ok=True)
    (folder / f"{found.train_id}.json").write_text(dumps(asdict(found)))


@pytest.fixture
def half(tmp_path: Path) -> Store:
    """Arms concat and add, three seeds: two cells done, one failed, one running, one lost, one pending."""
    store = skip_run(tmp_path, seeds=(0,), arms=("concat", "add"))
    write_grid(store, "skip", manifest(("concat", "add"), (0, 1, 2)))
    store.write(record("concat", 1, status="diverged", error="the loss was nan", scores=[]))
    put(store, beat("add", 1))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    put(store, beat("concat", 2, pid=ended.pid))
    return store


def state(store: Store, *beats: Heartbeat) -> GridState:
    return grid_state(reports.find(store.root).grids[0], beats)


def shown(store: Store, **options: Any) -> tuple[str, int]:
    buffer = io.StringIO()
    code = watch(store.root, Console(file=buffer, width=120), **options)
    return buffer.getvalue(), code


def test_one_frame_tells_done_running_failed_pending_and_lost(half: Store) -> None:
    text, code = shown(half, once=True)
    assert code == 0
    assert "2 done  1 failed  1 running  2 pending  of 6 cells" in text
    row = next(line for line in text.splitlines() if "250/1,000" in line)
    for part in ("add", "0.0512", "80", "5 min", "training"):
        assert part in row
    assert "ended without a record: v+skip=concat seed 2, step 250 of 1,000" in text
    assert "failed: concat, seed 1: diverged (the loss was nan)" in text
    assert "1/3 ok, 2/3 pending" in text  # the current table
    assert "complete" not in text


def test_the_time_left_counts_what_runs_and_what_waits(half: Store) -> None:
    now = state(half, beat("add", 1))
    assert (len(now.done), len(now.failed), len(now.pending)) == (2, 1, 2)
    assert now.seconds_left == pytest.approx(300 + 2 * 400, rel=0.01)  # a cell takes 400 s, one at a time
    both = state(half, beat("add", 1), beat("add", 2))
    assert both.seconds_left == pytest.approx((300 + 300 + 400) / 2, rel=0.01)
    assert state(half).seconds_left is None
    resumed = state(half, beat("add", 1, first_step=200), beat("add", 2), beat("concat", 2))
    assert resumed.seconds_left == pytest.approx(750 * 2, rel=0.01)  # never less than the slowest cell needs


def test_a_failed_cell_that_runs_again_is_running(half: Store) -> None:
    now = state(half, beat("concat", 1))
    assert now.failed == () and [cell.cell.train_id for cell in now.running] == [identity("concat", 1)]


def test_nothing_running_says_how_to_go_on(half: Store) -> None:
    (half.root / "running" / f"{identity('add', 1)}.json").unlink()
    text, _ = shown(half, once=True)
    assert "nothing is running; `uvit run` goes on with the 3 cells that are pending" in text


def test_it_ends_when_the_grid_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = skip_run(tmp_path, seeds=(0,), arms=("concat",))
    write_grid(store, "skip", manifest(("concat", "add"), (0,)))
    put(store, beat("add", 0))

    waits: list[float] = []

    def finish(seconds: float) -> None:  # the cell ends while the command waits
        waits.append(seconds)
        store.write(record("add", 0))
        (tmp_path / "running" / f"{identity('add', 0)}.json").unlink()

    monkeypatch.setattr(watch_module, "time", SimpleNamespace(sleep=finish))
    text, code = shown(store, interval=0.1)
    assert (code, waits) == (0, [0.1])
    assert text.index("1 running") < text.index("2 done  of 2 cells  complete")


def test_its_exit_code_says_that_a_cell_failed(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=(0,))
    store.write(record("none", 0, status="oom", error="out of memory", scores=[]))
    text, code = shown(store)
    assert code == 1 and "4 done  1 failed  of 5 cells  complete" in text


def test_records_are_read_again_only_when_they_change(half: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, reads = watch_module.WatchedFolder(half.root), []
    monkeypatch.setattr(watch_module, "find", lambda root: reads.append(root) or reports.find(root))
    folder.states(), folder.states()
    half.write(record("concat", 2))
    folder.states()
    assert len(reads) == 2


def test_text_from_records_is_no_markup(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=(0,))
    write_grid(store, "skip", manifest(seeds=(0, 1), question="[red]Q[/red]?\x1b[31m"))
    put(store, beat("add", 1, doing="[link=x]\x1b]0;y\x07"))
    text, _ = shown(store, once=True)
    assert "[red]Q[/red]?" in text and "\x1b" not in text and "[link=x]" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (4.4, "4 s"), (600, "10 min"), (3 * 3600 + 300, "3 h 05 min"), (2e5, "2 d 7 h")]
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def cli(*args: str) -> list[str]:
    return [sys.executable, "-m", "cli", "watch", *args]


def test_at_the_command_line(half: Store, tmp_path: Path) -> None:
    done = subprocess.run(cli(str(half.root), "--once"), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "2 done  1 failed  1 running" in done.stdout, done.stderr
    for args, message in (
        ([str(tmp_path / "nowhere")], "nowhere: expected an output folder"),
        ([str(half.root), "--interval", "0"], "--interval: expected seconds from 0.1, got 0"),
    ):
        wrong = subprocess.run(cli(*args), cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert wrong.returncode == 2 and message in wrong.stderr and len(wrong.stderr.splitlines()) == 1


def test_ctrl_c_exits_130(half: Store) -> None:
    process = subprocess.Popen(
        cli(str(half.root)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in background jobs
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and "interrupted" in errors and "Traceback" not in errors
