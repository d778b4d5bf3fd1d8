"""Records of linear filters: what is written is read, what the schema does not allow is refused; skill against them."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

from results import SCHEMA, Store
from results.linear_filter import LinearFilterRecord, in_bins
from tests.reports.simulated import linear_filter


def test_what_is_written_is_read_and_damaged_files_are_named(tmp_path: Path) -> None:
    store, good = Store(tmp_path), linear_filter()
    assert store.write_linear_filter(good) == tmp_path / "linear_filters" / f"{good.linear_filter_id}.json"
    (tmp_path / "linear_filters" / f"{'1' * 16}.json").write_text(good.to_json())
    (tmp_path / "linear_filters" / f"{'2' * 16}.json").write_text(good.to_json()[:300])
    read, problems = store.linear_filters()
    assert read == [good]
    assert problems[0].startswith(f"linear_filters/{'1' * 16}.json: linear_filter_id: expected the file's own name")
    assert problems[1].startswith(f"linear_filters/{'2' * 16}.json: expected a JSON file")
    assert Store(tmp_path / "none").linear_filters() == ([], [])


def test_a_record_of_a_later_schema_is_never_overwritten(tmp_path: Path) -> None:
    store, good = Store(tmp_path), linear_filter()
    path = store.write_linear_filter(good)
    path.write_text(json.dumps({**json.loads(good.to_json()), "schema": SCHEMA + 1}))
    with pytest.raises(ValueError, match="later uvit"):
        store.write_linear_filter(good)


def test_levels_have_their_middle_and_a_mean() -> None:
    record = linear_filter()
    assert record.times == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert record.mean == pytest.approx(0.0375)
    assert record.zero_loss == [1.0] * 4


def test_skill_is_the_geometric_mean_of_ratios_to_the_filter() -> None:
    record = linear_filter()
    assert record.skill(record.loss) == pytest.approx(1)
    assert record.skill([loss / 3 for loss in record.loss]) == pytest.approx(1 / 3)
    losses = [0.16, 0.04, 0.02, 0.04]  # twice and four times the filter's at two levels
    assert record.log_skill(losses) == pytest.approx([math.log(2), 0, 0, math.log(4)])
    assert record.skill(losses) == pytest.approx(8**0.25)


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([0.1] * 3, "skill: expected a loss for each of 4 noise levels, got 3"),
        ([0.1, 0.1, 0.1, 0.0], "skill: expected losses above 0, got 0.0"),
        ([0.1, math.nan, 0.1, 0.1], "skill: expected losses above 0, got nan"),
    ],
)
def test_skill_wants_a_loss_for_every_level(losses: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        linear_filter().skill(losses)


def test_bins_are_means_over_neighbouring_levels() -> None:
    assert in_bins([float(n) for n in range(20)]) == [1.5, 5.5, 9.5, 13.5, 17.5]
    assert in_bins([1.0, 3.0], bins=1) == [2.0]
    for levels in ([], [1.0] * 4, [1.0] * 21):
        with pytest.raises(ValueError, match=f"^expected noise levels that 5 bins share, got {len(levels)}"):
            in_bins(levels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "cka"}, "kind: expected 'linear_filter'"),
        ({"linear_filter_id": "x"}, "linear_filter_id: expected 12 to 64"),
        ({"training_images": 0}, "training_images: expected a whole number from 1"),
        ({"process": ""}, "process: expected non-empty text"),
        ({"edges": [0.1, 0.3, 0.5, 0.7]}, "edges: expected 5 numbers for 4 levels, got 4"),
        ({"edges": [0.1, 0.3, 0.3, 0.7, 0.9]}, "edges: expected a list of rising numbers between 0 and 1"),
        ({"edges": [0.0, 0.3, 0.5, 0.7, 0.9]}, "edges: expected a list of rising numbers between 0 and 1"),
        ({"log_snr": [1.0]}, "log_snr: expected 4 numbers for 4 levels, got 1"),
        ({"log_snr": [1.0, 2.0, 3.0, math.inf]}, "log_snr: expected a list of numbers"),
        ({"input_loss": [0.1] * 5}, "input_loss: expected 4 numbers for 4 levels, got 5"),
        ({"loss": [0.1, 0.1, 0.1, 0.0]}, "loss: expected a list of numbers above 0"),
        ({"loss": []}, "loss: expected a list of numbers above 0"),
        ({"wall_s": -1.0}, "wall_s: expected a number from 0"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        dataclasses.replace(linear_filter(), **change)


def test_a_missing_or_unknown_field_is_named() -> None:
    values = json.loads(linear_filter().to_json())
    with pytest.raises(ValueError, match="here: 'speed': unknown field"):
        LinearFilterRecord.from_json(json.dumps({**values, "speed": 1}), where="here")
    del values["loss"]
    with pytest.raises(ValueError, match="here: loss: missing"):
        LinearFilterRecord.from_json(json.dumps(values), where="here")
