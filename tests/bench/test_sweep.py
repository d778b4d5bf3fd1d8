"""Sweeps: entries as text, what they add to a cell's scores, and what they never add: training, ids."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from bench.cell.identity import score_points
from bench.cell.place import Place
from bench.cell.prepared import prepare
from bench.cell.run import run_cell
from bench.cell.scoring import check_names
from bench.config import Draw, EvaluationConfig
from bench.diffusion.samplers import SAMPLERS
from bench.machine.runtime import Runtime
from results.record import Record
from tests.bench.cell.test_run import SCORED, _cell

SWEEP = ("dpm_solver:4", "ddim:5", "euler_maruyama:6")


def _points(**changes: Any) -> list[tuple[int, str, int, str, int]]:
    evaluation = EvaluationConfig(every=0, samples=8, **changes)
    return [(p.step, p.weights, p.samples, p.sampler, p.nfe) for p in score_points(evaluation, 6)]


def test_a_sweep_is_scored_after_the_last_step_with_each_of_the_weights() -> None:
    assert _points(sweep=("ddim:4",), weights=("raw", "ema")) == [
        *[(6, weights, 8, "dpm_solver", 50) for weights in ("raw", "ema")],
        *[(6, weights, 8, "ddim", 4) for weights in ("raw", "ema")],
    ]
    assert [p[0] for p in _points(sweep=("ddim:4",), final_samples=2) if p[3] == "ddim"] == [6]


def test_what_the_budget_draws_anyway_is_drawn_once() -> None:
    assert _points(sweep=("dpm_solver:50", "ddim:4", "ddim:4")) == [*_points(), (6, "ema", 8, "ddim", 4)]


def test_a_limit_leaves_out_what_is_dearer() -> None:
    evaluation = EvaluationConfig(sweep=(*SWEEP, "ddim:1000"), sweep_max_nfe=5)
    assert evaluation.sweep_draws == [Draw("dpm_solver", 4), Draw("ddim", 5)]
    assert len(dataclasses.replace(evaluation, sweep_max_nfe=0).sweep_draws) == 4


def test_own_draws_are_those_that_draw_samples() -> None:
    assert EvaluationConfig(sweep=SWEEP).own_draws == [Draw("dpm_solver", 50)]
    final = EvaluationConfig(samples=0, final_samples=2)
    assert final.own_draws == [Draw("euler_maruyama", 1000)]


@pytest.mark.parametrize("entry", ["ddim", "ddim:", ":4", "ddim:0", "ddim:-1", "ddim:1.5", "ddim:٣"])
def test_an_entry_that_is_none_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match=r"evaluation\.sweep: expected SAMPLER:EVALUATIONS such as dpm_solver:10, got"):
        EvaluationConfig().replace({"sweep": [entry]}, where="evaluation")


def test_text_sets_and_empties_a_sweep() -> None:
    evaluation = EvaluationConfig().replace({"sweep": "ddim:4, dpm_solver:5"}, where="evaluation")
    assert evaluation.sweep == ("ddim:4", "dpm_solver:5")
    assert evaluation.replace({"sweep": ""}, where="evaluation").sweep == ()


def test_samplers_are_checked_against_the_registry_and_samples_are_needed() -> None:
    check_names(EvaluationConfig(sweep=tuple(f"{name}:2" for name in SAMPLERS.names())))
    with pytest.raises(ValueError, match="did you mean 'ddim'"):
        check_names(EvaluationConfig(sweep=("ddin:4",)))
    with pytest.raises(ValueError, match=r"evaluation\.sweep: expected evaluation\.samples of at least 2"):
        check_names(EvaluationConfig(sweep=SWEEP, samples=0))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Record]:
    root = tmp_path_factory.mktemp("trained")
    return root, run_cell(_cell(evaluation=SCORED), Place(root=root, runtime=Runtime(threads=1)))


def test_a_trained_cell_is_only_sampled_and_scored(trained: tuple[Path, Record]) -> None:
    root, plain = trained
    cell = _cell(evaluation=dataclasses.replace(SCORED, sweep=SWEEP))
    assert prepare(cell).train_id == plain.train_id
    files = {path: path.stat().st_mtime_ns for path in (root / "checkpoints").rglob("*.safetensors")}
    events: list[dict[str, Any]] = []
    swept = run_cell(cell, Place(root=root, runtime=Runtime(threads=1)), report=events.append)
    assert {event["step"] for event in events} == {6}
    assert not any("loss" in event for event in events)
    told = {event["score"]["metric"] for event in events if "score" in event}
    assert not told and not any("picture" in event for event in events), "a curve over steps has no place for a sweep"
    assert files == {path: path.stat().st_mtime_ns for path in (root / "checkpoints").rglob("*.safetensors")}
    known = {(score.score_id, score.metric): score for score in plain.scores}
    assert known.items() <= {(score.score_id, score.metric): score for score in swept.scores}.items()
    added = [score for score in swept.scores if (score.score_id, score.metric) not in known]
    drawn = {(s.card["sampler"], s.card["nfe"]) for s in added}
    assert drawn == {("dpm_solver", 4), ("ddim", 5), ("euler_maruyama", 6)}
    assert len({s.value for s in added if s.metric.startswith("fd_")}) == 3
    assert {score.step for score in added} == {6}
    assert (swept.losses, swept.status) == (plain.losses, plain.status)


def test_a_killed_sweep_keeps_what_it_scored(trained: tuple[Path, Record], monkeypatch: pytest.MonkeyPatch) -> None:
    root, _ = trained
    monkeypatch.setattr("bench.cell.run.CHECKPOINT_SECONDS", 0.0)
    cell = _cell(evaluation=dataclasses.replace(SCORED, sweep=("ddim:2", "ddim:3")))

    class Killed(BaseException):
        pass

    sampled: list[str] = []

    def kill(event: dict[str, Any]) -> None:
        if "sampling" in event.get("doing", "") and len(sampled) == 1:
            raise Killed
        sampled.extend([event["doing"]] if "sampling" in event.get("doing", "") else [])

    with pytest.raises(Killed):
        run_cell(cell, Place(root=root, runtime=Runtime(threads=1)), report=kill)
    again: list[str] = []
    run_cell(
        cell, Place(root=root, runtime=Runtime(threads=1)), report=lambda event: again.append(event.get("doing", ""))
    )
    assert sum("sampling" in doing for doing in again) == 1
