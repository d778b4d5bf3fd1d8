"""Runs in looks: what an output folder keeps of its plan, which arms go on, and that interruptions change nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import ablations.commands.run
from ablations import GridRequest, make_plan, run_grid
from ablations.looks import told
from results.manifest import Manifest
from results.store import Store

TRIO = 'question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat", "none", "add"]\n'
TINY = [
    *("training.steps=4", "training.batch_size=2", "evaluation.samples=0", "evaluation.every=2"),
    *("evaluation.val_images=4",),
]


def _request(folder: Path, **more: Any) -> GridRequest:
    path = folder / "mine.toml"
    path.write_text(more.pop("text", TRIO))
    asked = {"jobs": 1, "threads": 1, "settings": TINY, "out": folder / "out"} | more
    return GridRequest(grid=str(path), budget="smoke", device="cpu", **asked)


def _manifest(folder: Path) -> Manifest:
    return Store(folder / "out").grids()["mine"]


def _seeds(folder: Path) -> dict[str, list[int]]:
    return {arm.arm: [cell.seed for cell in arm.cells] for arm in _manifest(folder).arms}


def _finished(folder: Path, grid: str) -> dict[str, int]:
    """Seeds with a record, by arm."""
    store = Store(folder)
    return {
        arm.arm: sum(store.read(cell.train_id) is not None for cell in arm.cells) for arm in store.grids()[grid].arms
    }


def none_at_3_add_at_6(folder: Path, grid: str) -> list[str]:
    """What a judge would say of whom: `none` is known from three seeds on, `add` from six."""
    done = _finished(folder, grid)
    return [arm for arm, needed in (("none", 3), ("add", 6)) if done[arm] < needed]


def _scores(folder: Path) -> dict[str, str]:
    """All that a cell's record says of its losses and scores but for the time that it took, as JSON by id."""
    records, problems = Store(folder / "out").records()
    assert not problems
    return {
        record.train_id: json.dumps(
            [record.status, record.losses]
            + [[s.score_id, s.step, s.weights, s.metric, s.value, s.card, s.train_macs] for s in record.scores]
        )
        for record in records
    }


def test_a_run_plans_one_look_and_says_all_of_its_budget(tmp_path: Path) -> None:
    run_grid(_request(tmp_path, seeds=2, first_seed=5))
    made = _manifest(tmp_path)
    assert (made.seeds, made.looks) == ((5, 6), (2,))
    assert _seeds(tmp_path) == {"concat": [5, 6], "none": [5, 6], "add": [5, 6]}
    plan, runtime = make_plan(_request(tmp_path))
    assert made.sections is not None
    assert made.sections["training"] == plan.cells[0].cell.training.asdict()
    assert made.sections["training"]["precision"] == runtime.precision
    assert made.sections["evaluation"] == plan.budget.evaluation.asdict()
    assert {record.seed for record in Store(tmp_path / "out").records()[0]} == {5, 6}


def test_a_plan_that_was_looked_at_stays_and_more_seeds_are_exploratory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_grid(_request(tmp_path, seeds=2))
    capsys.readouterr()
    run_grid(_request(tmp_path, seeds=3))
    told = capsys.readouterr().err
    expected = "the plan of this folder is one look at 2 seeds, and was looked at: 1 further seed is exploratory"
    assert told.count(expected) == 1
    assert (_manifest(tmp_path).seeds, _manifest(tmp_path).looks) == ((0, 1, 2), (2,))
    assert _seeds(tmp_path)["add"] == [0, 1, 2]
    run_grid(_request(tmp_path, seeds=1))
    assert "exploratory" not in capsys.readouterr().err
    assert (_manifest(tmp_path).seeds, _manifest(tmp_path).looks) == ((0, 1, 2), (2,)), "fewer seeds shrink nothing"
    assert _seeds(tmp_path)["add"] == [0, 1, 2]
    run_grid(_request(tmp_path, seeds=2, first_seed=7))
    assert "2 further seeds are exploratory" in capsys.readouterr().err
    assert (_manifest(tmp_path).seeds, _manifest(tmp_path).looks) == ((0, 1, 2, 7, 8), (2,))


def test_a_plan_that_nobody_could_judge_by_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_grid(_request(tmp_path, seeds=1))
    run_grid(_request(tmp_path, seeds=2))
    assert (_manifest(tmp_path).seeds, _manifest(tmp_path).looks) == ((0, 1), (2,)), "one seed is no look"
    lost = _manifest(tmp_path).arms[-1].cells[-1].train_id
    Store(tmp_path / "out").record_path(lost).unlink()
    run_grid(_request(tmp_path, seeds=1))
    assert (_manifest(tmp_path).seeds, _manifest(tmp_path).looks) == ((0,), (1,)), "the look at two was not complete"
    assert "exploratory" not in capsys.readouterr().err


def test_another_training_is_another_plan(tmp_path: Path) -> None:
    run_grid(_request(tmp_path, seeds=2))
    run_grid(_request(tmp_path, seeds=1, settings=[*TINY, "training.lr=0.01"]))
    assert (_manifest(tmp_path).seeds, _manifest(tmp_path).looks) == ((0,), (1,))
    assert _seeds(tmp_path)["add"] == [0]


def test_arms_that_were_judged_stay_in_the_plan(tmp_path: Path) -> None:
    run_grid(_request(tmp_path, seeds=2, match="params"))
    run_grid(_request(tmp_path, seeds=2))
    assert set(_seeds(tmp_path)) == {"concat", "none", "add", "none~params", "add~params"}


def test_looks_go_on_with_the_open_arms_and_their_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = _request(tmp_path, until_resolved=True)
    words = {"none": "worse", "add": "unresolved"}
    _, code = run_grid(asked, open_arms=none_at_3_add_at_6, verdicts=lambda folder, grid: words)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("uvit: look")]
    assert lines == [
        "uvit: look 1 of 3, 3 seeds: worse: none; open: add",
        "uvit: look 2 of 3, 6 seeds: worse: none; unresolved: add",
    ]
    assert code == 0
    assert _finished(tmp_path / "out", "mine") == {"concat": 6, "none": 3, "add": 6}
    assert (_manifest(tmp_path).seeds, _manifest(tmp_path).looks) == (tuple(range(12)), (3, 6, 12))
    assert _seeds(tmp_path) == {"concat": [*range(6)], "none": [0, 1, 2], "add": [*range(6)]}, "what was asked for"


KILLED = """
import os, signal, sys
from pathlib import Path
from ablations import run_grid
from bench.cell.run import CellRun
from tests.ablations.commands.test_looks import _request, none_at_3_add_at_6

def die(*args, **more):
    os.kill(os.getpid(), signal.SIGKILL)

folder, where = Path(sys.argv[1]), sys.argv[2]
if where == "between looks":
    run_grid(_request(folder, until_resolved=True), open_arms=die)
else:
    seed, tell = int(where), CellRun.tell
    def telling(self, step, **more):
        tell(self, step, **more)
        if (self.cell.seed, step) == (seed, 3) and "add" in self.cell.variant:
            self.writer.wait()  # the checkpoint of step 2 is written beside the training
            die()
    CellRun.tell = telling
    run_grid(_request(folder, until_resolved=True), open_arms=none_at_3_add_at_6)
"""


def test_a_run_that_is_killed_goes_on_without_a_change_of_results(tmp_path: Path) -> None:
    (tmp_path / "straight").mkdir()
    (tmp_path / "killed").mkdir()
    run_grid(_request(tmp_path / "straight", until_resolved=True), open_arms=none_at_3_add_at_6)
    left = []
    for where in ("1", "between looks", "4"):
        command = [sys.executable, "-c", KILLED, str(tmp_path / "killed"), where]
        died = subprocess.run(command, capture_output=True, text=True, check=False)
        assert died.returncode == -9, died.stderr
        left.append(_finished(tmp_path / "killed/out", "mine"))
        assert _manifest(tmp_path / "killed").looks == (3, 6, 12)
    assert left == [
        {"concat": 2, "none": 2, "add": 1},
        {"concat": 3, "none": 3, "add": 3},
        {"concat": 5, "none": 3, "add": 4},
    ]
    run_grid(_request(tmp_path / "killed", until_resolved=True), open_arms=none_at_3_add_at_6)
    assert _scores(tmp_path / "killed") == _scores(tmp_path / "straight")
    resumed = {record.seed for record in Store(tmp_path / "killed/out").records()[0] if record.marks == ["resumed"]}
    assert resumed == {1, 4}
    made, straight = _manifest(tmp_path / "killed"), _manifest(tmp_path / "straight")
    assert made == straight


def test_without_a_verdict_the_last_look_ends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_grid(_request(tmp_path, until_resolved=True), open_arms=lambda folder, grid: ["add"])
    assert _finished(tmp_path / "out", "mine") == {"concat": 12, "none": 3, "add": 12}
    assert "look 3 of 3, 12 seeds: done: none; open: add" in capsys.readouterr().err
    run_grid(_request(tmp_path, seeds=13))
    assert "1 further seed is exploratory" in capsys.readouterr().err
    assert _manifest(tmp_path).seeds == tuple(range(13)) and _manifest(tmp_path).looks == (3, 6, 12)
    run_grid(_request(tmp_path, until_resolved=True), open_arms=lambda folder, grid: ["add"])
    assert _manifest(tmp_path).seeds == tuple(range(13)), "and the plan still goes on"


def test_blocks_go_on_with_their_own_baseline(tmp_path: Path) -> None:
    text = (
        'question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat", "add"]\n[within]\nprediction = ["eps", "v"]\n'
    )

    def only_v(folder: Path, grid: str) -> list[str]:
        return ["v/add"] if _finished(folder, grid)["v/add"] < 6 else []

    run_grid(_request(tmp_path, until_resolved=True, text=text), open_arms=only_v)
    done = _finished(tmp_path / "out", "mine")
    assert done == {"eps/concat": 3, "eps/add": 3, "v/concat": 6, "v/add": 6}


def test_a_diverged_cell_is_not_tried_again_by_looks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hot = [*TINY, "training.lr=1e30", "training.warmup=0"]
    for _ in range(2):
        _, code = run_grid(
            _request(tmp_path, until_resolved=True, settings=hot), open_arms=lambda folder, grid: list[str]()
        )
        assert code == 1
    assert capsys.readouterr().err.count("already finished") == 9


def test_a_look_is_told_by_verdicts_and_who_goes_on() -> None:
    arms = ["a", "b", "c", "d"]
    known = {"a": "worse", "b": None, "c": "unresolved", "d": "worse"}
    assert told(arms, {"c"}, known) == "worse: a, d; no verdict: b; open: c"
    assert told(arms, set(), known) == "worse: a, d; no verdict: b; unresolved: c"
    assert told(arms, {"b"}, None) == "done: a, c, d; open: b"


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float]], None]:
    """The command's clock: what it says each time that it is read, its last value from then on."""

    def set_to(hours: Sequence[float]) -> None:
        left = list(hours)
        monkeypatch.setattr(ablations.commands.run, "clock", lambda: 3600 * (left.pop(0) if len(left) > 1 else left[0]))

    return set_to


def test_after_max_hours_no_new_cell_starts_and_the_same_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ticking: Callable[[Sequence[float]], None]
) -> None:
    ticking([0, 0, 1, 1.9, 2.0])
    asked = _request(tmp_path, until_resolved=True, max_hours=2.0)
    _, code = run_grid(asked, open_arms=none_at_3_add_at_6)
    assert code == 0
    told = capsys.readouterr().err
    assert "--max-hours 2: 6 cells are still to run; the same command goes on" in told
    assert "look 1" not in told
    assert sum(_finished(tmp_path / "out", "mine").values()) == 3
    ticking([0])
    run_grid(asked, open_arms=none_at_3_add_at_6)
    assert _finished(tmp_path / "out", "mine") == {"concat": 6, "none": 3, "add": 6}


def test_a_plain_run_stops_in_time_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ticking: Callable[[Sequence[float]], None]
) -> None:
    ticking([0, 9])
    run_grid(_request(tmp_path, seeds=2, max_hours=1, jobs=2))
    assert "--max-hours 1: 6 cells are still to run" in capsys.readouterr().err
    assert not list((tmp_path / "out/records").glob("*"))


def test_until_resolved_refuses_what_it_cannot_plan(tmp_path: Path) -> None:
    def refused(**more: Any) -> str:
        with pytest.raises(ValueError) as caught:
            run_grid(_request(tmp_path, **more), open_arms=none_at_3_add_at_6)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    expected = "--seeds 3 and --until-resolved (looks at 3, 6, 12): leave one of them out"
    assert refused(until_resolved=True, seeds=3) == expected
    assert refused(first_seed=-1) == "--first-seed: expected at least 0, got -1"
    assert refused(max_hours=-1) == "--max-hours: expected at least 0, got -1"
    assert refused(max_hours=float("nan")) == "--max-hours: expected at least 0, got nan"
    with pytest.raises(ValueError, match=r"until_resolved: expected open_arms=reports\.open_arms"):
        run_grid(_request(tmp_path, until_resolved=True))
    assert not (tmp_path / "out").exists()
    run_grid(_request(tmp_path, seeds=2))
    told = refused(until_resolved=True)
    assert "--until-resolved plans seeds 0 to 11, looks at 3, 6 and 12 seeds; the plan of this folder is" in told
    assert "seeds 0 to 1, one look at 2 seeds, and was looked at: another --out starts a new plan" in told


def test_threads_that_are_settled_bound_the_cells_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    from ablations.commands.run import _workers

    monkeypatch.setattr(ablations.commands.run, "cores", lambda: 8)
    assert _workers("cpu", 0, 20)[0] == 8
    assert [_workers("cpu", 0, 20, threads=threads)[0] for threads in (1, 3, 16)] == [8, 2, 1]
    assert _workers("cpu", 0, 5, threads=1)[0] == 5
    assert _workers("cpu", 4, 20, threads=3)[0] == 4, "--jobs has the last word"
