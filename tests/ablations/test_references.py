"""The linear filter and the bundled calibration are in the folder before cells train, where the endpoint needs them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import ablations.references
from ablations import GridRequest, make_plan, run_grid
from ablations.budgets import load_budgets
from ablations.planning import Plan, manifest, settings_of
from ablations.references import write_references
from bench.machine.runtime import Runtime
from results.calibration import CalibrationRecord
from results.store import Store
from tests.reports.simulated import calibration

SPEED = """
question = "Q?"
baseline = "concat"
[endpoint]
metric = "speed"
weights = "raw"
[axes]
skip = ["concat", "none"]
"""
TINY = ["training.steps=2", "training.batch_size=2", "evaluation.samples=0", "evaluation.every=0"]


def _request(folder: Path, text: str = SPEED, settings: list[str] = TINY, **more: Any) -> GridRequest:
    path = folder / "mine.toml"
    path.write_text(text)
    asked = {"jobs": 1, "threads": 1, "out": folder / "out"} | more
    return GridRequest(grid=str(path), budget="smoke", device="cpu", settings=settings, **asked)


def _plan(folder: Path, **more: Any) -> Plan:
    return make_plan(_request(folder, **more))[0]


def test_a_run_judged_by_speed_leaves_the_filter_of_its_images_once(tmp_path: Path) -> None:
    run_grid(_request(tmp_path))
    store = Store(tmp_path / "out")
    (known,), problems = store.linear_filters()
    assert not problems and known.process == "vp"
    cards = [s.card for r in store.records()[0] for s in r.scores if s.metric == "val_loss"]
    assert {card["fingerprint"] for card in cards} == {known.held_out_fingerprint}
    (path,) = (tmp_path / "out/linear_filters").iterdir()
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    run_grid(_request(tmp_path))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before, "what is there is not computed again"


def test_other_endpoints_need_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablations.references, "bundled", lambda: pytest.fail("nobody asked"))
    write_references(_plan(tmp_path, text=SPEED.replace('"speed"', '"val_loss"')), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_each_process_has_its_filter(tmp_path: Path) -> None:
    write_references(_plan(tmp_path), tmp_path / "out")
    write_references(_plan(tmp_path, settings=[*TINY, "training.process=flow"]), tmp_path / "out")
    assert {record.process for record in Store(tmp_path / "out").linear_filters()[0]} == {"vp", "flow"}


def _calibration(plan: Plan, train: int = 0, **changes: Any) -> CalibrationRecord:
    """The calibration of the baseline that is the plan's cell number ``train``, with another precision."""
    prepared = plan.cells[train]
    training = prepared.cell.training.asdict() | {"precision": "another"}
    fields = {"preset": plan.preset, "training": training, "dataset": prepared.dataset.card}
    return calibration(**fields | changes)


def test_the_matching_bundled_calibration_is_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, store = _plan(tmp_path), Store(tmp_path / "out")
    own = _calibration(plan)
    others = [
        _calibration(plan, preset="uvit-nano/4"),
        _calibration(plan, training=own.training | {"lr": 9.0}),
        _calibration(plan, dataset={**own.dataset, "fingerprint": "other"}),
    ]
    monkeypatch.setattr(ablations.references, "bundled", lambda: others)
    (line,) = write_references(plan, store.root)
    assert "no calibration fits concat on photos: intervals, but no verdict before" in line
    command = (
        "uvit calibrate smoke --preset uvit-micro/4 --dataset photos --set training.steps=2 --set training.batch_size=2"
    )
    assert f"`{command}`" in line
    assert store.calibrations() == ([], [])
    monkeypatch.setattr(ablations.references, "bundled", lambda: [*others, own])
    assert write_references(plan, store.root) == []
    assert store.calibrations() == ([own], [])
    longer = dataclasses.replace(own, calibration_id="c" * 16, seeds=[*range(1000, 1009)])
    monkeypatch.setattr(ablations.references, "bundled", lambda: [longer])
    write_references(plan, store.root)
    assert store.calibrations() == ([own], []), "the folder's own stays"


def test_each_block_has_the_calibration_of_its_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = _plan(tmp_path, text=SPEED + '[within]\nprediction = ["eps", "v"]\n')
    assert [prepared.cell.variant for prepared in plan.cells][2] == "uvit-micro/4+prediction=v"
    eps, v = _calibration(plan, 0), _calibration(plan, 2, calibration_id="d" * 16)
    monkeypatch.setattr(ablations.references, "bundled", list)
    for name, line in zip(("eps", "v"), write_references(plan, tmp_path / "out"), strict=True):
        assert f"no calibration fits {name}/concat on photos" in line
        assert ("--set training.prediction=v`" in line) == (name == "v")
    monkeypatch.setattr(ablations.references, "bundled", lambda: [eps, v])
    write_references(plan, tmp_path / "out")
    found, _ = Store(tmp_path / "out").calibrations()
    assert {record.calibration_id for record in found} == {eps.calibration_id, v.calibration_id}


def test_the_command_that_a_grid_lacks_is_one_that_calibrates_it(tmp_path: Path) -> None:
    """Run as it is written, `uvit calibrate` trains the baseline as the grid did."""
    plan = _plan(tmp_path, settings=[*TINY, "training.betas=0.9,0.95", "training.times=lognormal"])
    settings = settings_of(plan.cells[0].cell.training, load_budgets().get("smoke").training)
    assert "training.betas=0.9,0.95" in settings and "training.times=lognormal" in settings
    again, own = load_budgets().get("smoke").with_settings(settings).training, plan.cells[0].cell.training
    assert dataclasses.replace(again, precision=own.precision) == own
    assert manifest(plan, Runtime()).arms[0].settings == settings


def test_images_that_hold_out_nothing_are_refused_before_training(tmp_path: Path) -> None:
    import numpy as np

    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", images=images)
    plan = _plan(tmp_path, dataset=f"npz:{tmp_path / 'few.npz'}")
    bare = dataclasses.replace(plan.cells[0], dataset=dataclasses.replace(plan.cells[0].dataset, held_out=None))
    with pytest.raises(ValueError, match="a linear filter is measured on held-out images, and none are held out"):
        write_references(dataclasses.replace(plan, cells=[bare]), tmp_path / "out")
