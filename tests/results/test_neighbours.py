"""Records of searches for copies: what is written is read, what the schema does not allow is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from results import SCHEMA, Store
from tests.reports.simulated import neighbours


def test_what_is_written_is_read_and_damaged_files_are_named(tmp_path: Path) -> None:
    store, good = Store(tmp_path), neighbours("concat")
    assert store.write_neighbours(good) == tmp_path / "neighbours" / f"{good.neighbours_id}.json"
    (tmp_path / "neighbours" / f"{'1' * 16}.json").write_text(good.to_json())
    found, problems = store.neighbours()
    assert found == [good]
    assert problems[0].startswith("neighbours/1111111111111111.json: neighbours_id: expected the file's own name")


def test_a_record_of_a_later_schema_is_never_overwritten(tmp_path: Path) -> None:
    store, good = Store(tmp_path), neighbours("concat")
    path = store.write_neighbours(good)
    path.write_text(good.to_json().replace(f'"schema": {SCHEMA}', f'"schema": {SCHEMA + 1}', 1))
    with pytest.raises(ValueError, match="later uvit"):
        store.write_neighbours(good)


def test_samples_are_measured_against_held_out_images() -> None:
    record = neighbours("concat", held_out=[float(i) for i in range(1, 101)])
    assert record.threshold == 5  # of 1 … 100 four lie below it
    assert record.nearest == [12.0 + i for i in range(10)]
    assert record.suspicious == 0
    assert record.ratio == pytest.approx(16.5 / 50.5)
    near = dataclasses.replace(record, distances=[[0.0, 0.1], [4.9, 6.0], *record.distances[2:]])
    assert near.suspicious == 2
    assert neighbours("concat", held_out=[0.0] * 10).ratio is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "cka"}, "kind: expected 'neighbours'"),
        ({"neighbours_id": "x"}, "neighbours_id: expected 12 to 64"),
        ({"mirrored": 0}, "mirrored: expected true or false"),
        ({"distances": [[2.0, 1.0]] * 10}, "distances: expected lists of distances from 0, ascending"),
        ({"distances": [[-1.0, 1.0]] * 10}, "distances: expected"),
        ({"distances": []}, "distances: expected"),
        ({"held_out": [float("nan")]}, "held_out: expected a list of distances"),
        ({"held_out": []}, "held_out: expected"),
        ({"rows": [[1, 2]] * 9}, "distances, rows: expected equally many samples"),
        ({"rows": [[1]] * 10}, "distances, rows: expected equally many samples"),
        ({"rows": [[1, 50_000]] * 10}, "rows: expected rows of the 50000 training images"),
        ({"shown": [10]}, "shown: expected places under 10, got 10"),
        ({"held_out_shown": [3, 10]}, "held_out_shown: expected places under 10, got 10"),
        ({"shown": [-1]}, "shown: expected a list of whole numbers"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        dataclasses.replace(neighbours("concat"), **change)
