"""Records of calibrations: what is written is read, what the schema does not allow is refused; which grid they suit."""

from __future__ import annotations

import dataclasses
import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from bench.config import TrainingConfig
from results import SCHEMA, Store
from results.calibration import Bound, CalibrationRecord, best_match, bundled, level_of
from tests.reports.simulated import calibration

BELOW, ABOVE = Bound(mean=-0.2, upper=-0.1), Bound(mean=-0.2, upper=0.1)


def test_what_is_written_is_read_and_damaged_files_are_named(tmp_path: Path) -> None:
    store, good = Store(tmp_path), calibration()
    assert store.write_calibration(good) == tmp_path / "calibrations" / f"{good.calibration_id}.json"
    (tmp_path / "calibrations" / f"{'1' * 16}.json").write_text(good.to_json())
    (tmp_path / "calibrations" / f"{'2' * 16}.json").write_text(good.to_json()[:300])
    read, problems = store.calibrations()
    assert read == [good]
    assert problems[0].startswith(f"calibrations/{'1' * 16}.json: calibration_id: expected the file's own name")
    assert problems[1].startswith(f"calibrations/{'2' * 16}.json: expected a JSON file")
    assert Store(tmp_path / "none").calibrations() == ([], [])


def test_a_record_of_a_later_schema_is_never_overwritten(tmp_path: Path) -> None:
    store, good = Store(tmp_path), calibration()
    path = store.write_calibration(good)
    path.write_text(json.dumps({**json.loads(good.to_json()), "schema": SCHEMA + 1}))
    with pytest.raises(ValueError, match="later uvit"):
        store.write_calibration(good)


def test_what_nothing_measured_is_null() -> None:
    bare = calibration(speed_sd=None, skill_sd=None, repeat_sd=None, skill_margin=None, seeds_for_power={"1.10": None})
    assert CalibrationRecord.from_json(bare.to_json()) == bare


@pytest.mark.parametrize(
    ("bins", "geometric", "arithmetic", "level"),
    [
        ([BELOW] * 5, BELOW, BELOW, "A"),
        ([BELOW] * 5, ABOVE, ABOVE, "A"),
        ([*[BELOW] * 4, ABOVE], BELOW, BELOW, "B"),
        ([*[BELOW] * 4, Bound(mean=-0.1, upper=0.0)], BELOW, ABOVE, "B"),
        ([ABOVE] * 5, ABOVE, BELOW, "C"),
        ([ABOVE] * 5, ABOVE, ABOVE, "none"),
    ],
)
def test_the_level_is_the_best_whose_bounds_are_below_the_filter(
    bins: list[Bound], geometric: Bound, arithmetic: Bound, level: str
) -> None:
    assert level_of(bins, geometric, arithmetic) == level
    calibration(bins=bins, geometric=geometric, arithmetic=arithmetic, level=level)


def test_a_calibration_speaks_for_its_preset_training_and_images_in_any_precision() -> None:
    training = {"steps": 3000, "batch_size": 32, "precision": "bfloat16"}
    one = calibration(training=training)
    asked: dict[str, Any] = {"preset": one.preset, "training": training, "fingerprint": "ef" * 32}
    assert one.matches(**asked)
    assert one.matches(**asked | {"training": {**training, "precision": "float32"}})
    others: list[dict[str, Any]] = [
        {"preset": "uvit-nano/4"},
        {"training": {**training, "steps": 3001}},
        {"training": {**training, "lr": 1e-3}},
        {"training": {"steps": 3000}},
        {"fingerprint": "00" * 32},
    ]
    for other in others:
        assert not one.matches(**asked | other)
        assert best_match([one], **asked | other) is None


def test_of_several_calibrations_that_with_the_most_seeds_speaks() -> None:
    few, many, other = calibration(seeds=[1000, 1001]), calibration(), calibration(preset="uvit-nano/4")
    asked: dict[str, Any] = {"preset": few.preset, "training": few.training, "fingerprint": "ef" * 32}
    assert best_match([few, many, other], **asked) == best_match([other, many, few], **asked) == many
    assert best_match([], **asked) is None


def test_bundled_calibrations_are_whole_and_named_by_their_id() -> None:
    folder = resources.files("results") / "published" / "calibrations"
    names = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
    assert [f"{record.calibration_id}.json" for record in bundled()] == [n for n in names if n.endswith(".json")]


def test_bundled_calibrations_name_every_field_of_todays_training() -> None:
    """A field that is added to trainings is added to these files with its default, for they match whole trainings."""
    for record in bundled():
        assert record.training.keys() == TrainingConfig().asdict().keys(), record.calibration_id


def test_the_package_takes_calibrations_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Store(tmp_path / "published").write_calibration(calibration())
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    assert bundled() == [calibration()]
    good.write_text("{}")
    with pytest.raises(ValueError, match=f"^calibrations/{good.name}: schema: expected a whole number"):
        bundled()
    monkeypatch.setattr(resources, "files", lambda package: tmp_path / "none")
    assert bundled() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "cka"}, "kind: expected 'calibration'"),
        ({"calibration_id": "x"}, "calibration_id: expected 12 to 64"),
        ({"linear_filter_id": "x"}, "linear_filter_id: expected 12 to 64"),
        ({"grid": ""}, "grid: expected non-empty text"),
        ({"training": None}, "training: expected an object"),
        ({"seeds": [1000]}, "seeds: expected at least two whole numbers, each once"),
        ({"seeds": [1000, 1000]}, "seeds: expected at least two whole numbers, each once"),
        ({"level": "D"}, "level: expected one of A, B, C, none, got 'D'"),
        ({"level": "A"}, "level: expected 'B', as the bounds say, got 'A'"),
        ({"log_skill": [0.1] * 21}, "log_skill: expected noise levels that 5 bins share, got 21"),
        ({"log_skill": []}, "log_skill: expected a list of at least 5 numbers"),
        ({"bins": [BELOW] * 4}, "bins: expected 5 objects with mean and upper"),
        ({"geometric": {"mean": 0, "upper": 0}}, "geometric: expected an object with mean and upper"),
        ({"speed_sd": -0.1}, "speed_sd: expected a number from 0 or null"),
        ({"speed_margin": 1.2}, "speed_margin: expected one of 1.1, 1.25"),
        ({"seeds_for_power": {"1.10": 0}}, "seeds_for_power: expected an object of margins with a whole number"),
        ({"cells": []}, "cells: expected a list of ids"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        dataclasses.replace(calibration(), **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speed": 1}, "'speed': unknown field"),
        ({"bins": 3}, "bins: expected a list, got 3"),
        ({"bins": [{"mean": 0.1}] * 5}, r"bins\[0\]: upper: missing"),
        ({"geometric": {"mean": 0.1, "upper": "x"}}, "geometric: upper: expected a number, got 'x'"),
        ({"arithmetic": {"mean": 0.1, "upper": 0.0}}, "arithmetic: upper: expected at least the mean 0.1, got 0.0"),
    ],
)
def test_a_file_that_says_something_else_is_named(change: dict[str, Any], message: str) -> None:
    values = json.loads(calibration().to_json())
    with pytest.raises(ValueError, match=f"^here: {message}"):
        CalibrationRecord.from_json(json.dumps(values | change), where="here")
    del values["level"]
    with pytest.raises(ValueError, match=r"^here: level: missing"):
        CalibrationRecord.from_json(json.dumps(values), where="here")
