"""A calibration from Python: trained once, resumed, kept apart from grids; requests that are wrong."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import ablations.planning
import cli
from ablations import CalibrateRequest
from ablations.commands.calibrate import CalibrationRun, run_calibration
from reports import CalibrationCells, calibrate, compose, find
from results import Store
from results.calibration import CalibrationRecord, bundled

TINY = ("training.steps=20", "training.batch_size=2", "evaluation.val_images=4", "evaluation.every=0")


def _tiny(out: Path, **more: Any) -> CalibrateRequest:
    fields: dict[str, Any] = {"budget": "smoke", "device": "cpu", "seeds": 2, "repeats": 2, "arms": "none"}
    return CalibrateRequest(**fields | {"out": out, "jobs": 1, "threads": 1, "settings": TINY} | more)


def _found(done: CalibrationRun) -> CalibrationRecord:
    return calibrate(CalibrationCells.read(done.root, plan=done.plan, linear_filter=done.linear_filter))


def _plain(record: CalibrationRecord) -> CalibrationRecord:
    return dataclasses.replace(record, provenance={})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> CalibrationRun:
    return run_calibration(_tiny(tmp_path_factory.mktemp("calibration")))


def test_every_cell_has_its_record_and_no_grid_has_any(finished: CalibrationRun) -> None:
    store = Store(finished.root)
    records, problems = store.records()
    assert (finished.code, problems) == (0, [])
    assert sorted((r.seed, r.variant, r.training["steps"]) for r in records) == sorted(
        [(s, v, 20) for s in (1000, 1001) for v in ("uvit-micro/4", "uvit-micro/4+skip=none")]
        + [(s, "uvit-micro/4", 25) for s in (1000, 1001)]
    )
    assert len(store.repeats()[0]) == 2
    assert store.grids() == {}
    assert store.calibration_plan("smoke") == finished.plan
    assert [each.linear_filter_id for each in store.linear_filters()[0]] == [finished.linear_filter.linear_filter_id]
    assert {score.metric.partition("_bin")[0] for r in records for score in r.scores} == {"val_loss"}, "no samples"


def test_the_calibration_is_of_what_was_asked_for(finished: CalibrationRun) -> None:
    found = _found(finished)
    assert (found.budget, found.preset, found.grid, found.seeds) == ("smoke", "uvit-micro/4", "skip", [1000, 1001])
    assert (found.level, found.linear_filter_id) == ("none", finished.linear_filter.linear_filter_id)
    assert found.endpoint["metric"] == finished.plan.endpoint.metric
    for number in (found.speed_sd, found.skill_sd, found.repeat_sd, found.skill_margin):
        assert number is not None and number > 0
    (baseline,) = [r for r in Store(finished.root).records()[0] if (r.seed, r.variant, r.training["steps"]) ==
                   (1000, "uvit-micro/4", 20)]  # fmt: skip
    assert found.matches(
        preset="uvit-micro/4",
        training={**baseline.training, "precision": "bfloat16"},
        fingerprint=baseline.dataset["fingerprint"],
    )


def test_the_same_command_trains_nothing_again(finished: CalibrationRun, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (finished.root / "records").iterdir()}
    again = run_calibration(_tiny(finished.root))
    assert capsys.readouterr().err.count("already finished") == 8
    assert before == {path: path.stat().st_mtime_ns for path in (finished.root / "records").iterdir()}
    assert _plain(_found(again)) == _plain(_found(finished))


def test_reports_give_calibration_seeds_no_verdict(finished: CalibrationRun) -> None:
    reports = compose(find(finished.root))
    assert not reports.grids
    assert len(reports.findings.loose) == 6


def test_interrupted_anywhere_it_ends_as_if_it_had_not_been(
    finished: CalibrationRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = Store.write, list[str]()

    def interrupted(store: Store, record: Any) -> Path:
        path = write(store, record)
        written.append(path.name)
        if len(written) in (2, 7):
            raise KeyboardInterrupt
        return path

    monkeypatch.setattr(Store, "write", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_calibration(_tiny(tmp_path))
    done = run_calibration(_tiny(tmp_path))
    assert (done.code, len(written)) == (0, 8), "each cell once"
    assert _plain(_found(done)) == _plain(_found(finished))


def test_more_seeds_add_cells_to_those_that_are_there(
    finished: CalibrationRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_calibration(_tiny(tmp_path, repeats=0))
    capsys.readouterr()
    done = run_calibration(_tiny(tmp_path, seeds=3, repeats=0))
    assert capsys.readouterr().err.count("already finished") == 6
    assert _found(done).seeds == [1000, 1001, 1002]
    assert _found(done).repeat_sd is None


def test_a_failed_cell_is_on_record_and_there_is_no_calibration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run_calibration(_tiny(tmp_path, settings=(*TINY, "training.lr=1e30", "training.warmup=0")))
    assert done.code == 1
    assert "cells failed" in capsys.readouterr().err
    with pytest.raises(ValueError, match="expected every cell, got none finished of concat seed 1000, 1001; run the"):
        _found(done)


def test_the_command_prints_the_table_and_keeps_the_record(
    finished: CalibrationRun, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["calibrate", "smoke", "--seeds", "2", "--repeats", "2", "--arms", "none", "--device", "cpu", "--jobs", "1"]
    args += ["--threads", "1", "--out", str(finished.root)] + [each for setting in TINY for each in ("--set", setting)]
    assert cli.main(args) == 0
    told = capsys.readouterr().out
    (record,), problems = Store(finished.root).calibrations()
    assert not problems and _plain(record) == _plain(_found(finished))
    for text in (
        "validity level none: ",
        "bin 5 (noisiest)",
        "log R of an arm",
        "margins: R within",
        "different by 1.10",
    ):
        assert text in told
    assert told.endswith(f"calibration: {finished.root}/calibrations/{record.calibration_id}.json\n")
    assert cli.main([*args, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["calibration_id"] == record.calibration_id
    assert record.calibration_id not in [each.calibration_id for each in bundled()]


def test_a_budget_of_the_repository_is_told_where_its_calibration_belongs(
    finished: CalibrationRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import ablations.commands.calibrate as command

    assert not finished.of_repository
    done = dataclasses.replace(finished, of_repository=True)
    monkeypatch.setattr(command, "run_calibration", lambda request: done)
    assert cli.main(["calibrate", "smoke"]) == 0
    assert capsys.readouterr().out.endswith("it belongs in results/published/calibrations/\n")
    monkeypatch.setattr(command, "run_calibration", lambda request: dataclasses.replace(done, code=1))
    assert cli.main(["calibrate", "smoke"]) == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["smokey"], "unknown budget 'smokey'; did you mean 'smoke'?"),
        (["smoke", "--seeds", "1"], "--seeds: expected at least 2, for a bound needs a spread, got 1"),
        (["smoke", "--first-seed", "100"], "--first-seed: expected at least 1000, for seeds below decide verdicts"),
        (["smoke", "--repeats", "-1"], "--repeats: expected at least 0, got -1"),
        (["smoke", "--grid", "skp"], "unknown grid 'skp'"),
        (["smoke", "--arms", "nonne"], "--arms: unknown arm 'nonne'; did you mean 'none'?"),
        (["smoke", "--preset", "uvit-nanno/4"], "uvit-nanno"),
        (["smoke", "--set", "training.stepz=1"], "stepz"),
        (["smoke", "--jobs", "-1"], "--jobs: expected at least 0, got -1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_request_is_one_line_and_exit_code_2(
    tmp_path: Path, args: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["calibrate", *args]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) <= 2 and lines[0].startswith("uvit: ") and message in lines[0]
    assert not list(tmp_path.rglob("*.json"))


def test_a_dataset_without_held_out_images_cannot_calibrate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = ablations.planning.load_cached_dataset
    monkeypatch.setattr(
        ablations.planning, "load_cached_dataset", lambda *args: dataclasses.replace(load(*args), held_out=None)
    )
    code = cli.main(["calibrate", "smoke", "--out", str(tmp_path / "out")])
    told = capsys.readouterr().err
    assert (code, told.count("\n")) == (2, 1)
    assert "a linear filter is measured on held-out images, and none are held out" in told
    assert not list((tmp_path / "out").rglob("*.json"))
