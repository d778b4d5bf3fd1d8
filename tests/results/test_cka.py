"""CKA records: what is written is read, what the schema does not allow is refused, damaged files are named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from results import SCHEMA, Store
from results.cka import CkaRecord
from tests.reports.simulated import cka


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store, records = Store(tmp_path), [cka("concat"), cka("none", errors=[None, None])]
    for item in records:
        assert store.write_cka(item) == tmp_path / "cka" / f"{item.cka_id}.json"
    assert store.cka() == (sorted(records, key=lambda r: r.cka_id), [])
    assert Store(tmp_path / "none").cka() == ([], [])


def test_the_mean_weighs_every_time_alike() -> None:
    record = cka("concat", maps=[[[1.0, 0.2], [0.2, 1.0]], [[1.0, 0.6], [0.6, 1.0]]])
    assert record.blocks == 2
    assert record.mean == [[1.0, pytest.approx(0.4)], [pytest.approx(0.4), 1.0]]


def test_damaged_files_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    store, good = Store(tmp_path), cka("concat")
    store.write_cka(good)
    (tmp_path / "cka" / f"{'1' * 16}.json").write_text(good.to_json()[:300])
    (tmp_path / "cka" / f"{'2' * 16}.json").write_text(good.to_json())
    found, problems = store.cka()
    assert found == [good]
    assert [problem[: problem.index(":")] for problem in problems] == [f"cka/{c * 16}.json" for c in "12"]
    assert "expected the file's own name" in problems[1]


def test_a_record_of_a_later_schema_is_never_overwritten(tmp_path: Path) -> None:
    store, good = Store(tmp_path), cka("concat")
    path = store.write_cka(good)
    path.write_text(good.to_json().replace(f'"schema": {SCHEMA}', f'"schema": {SCHEMA + 1}', 1))
    with pytest.raises(ValueError, match="later uvit"):
        store.write_cka(good)
    assert f'"schema": {SCHEMA + 1}' in path.read_text()


_HALF = [[1.0, 0.5], [0.5, 1.0]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "profile"}, "kind: expected 'cka'"),
        ({"cka_id": "../x"}, "cka_id: expected 12 to 64"),
        ({"batch_size": 3}, "batch_size: expected a whole number from 4"),
        ({"images": True}, "images: expected a whole number from 4"),
        ({"times": [0.1, 1.0]}, "times: expected a list of numbers between 0 and 1"),
        ({"times": [0.1]}, "maps, errors: expected one for each of 1 times, got 2"),
        ({"errors": [0.1]}, "maps, errors: expected one for each of 2 times, got 2, 1"),
        ({"errors": [0.1, -1]}, "errors: expected"),
        ({"maps": [_HALF, [[1.0]]]}, "maps: expected the same number of blocks"),
        ({"maps": [_HALF, [[1.0, 0.5], [0.4, 1.0]]]}, "maps: expected square, symmetric"),
        ({"maps": [_HALF, [[1.0, 0.5], [0.5]]]}, "maps: expected square, symmetric"),
        ({"maps": [_HALF, [[0.9, 0.5], [0.5, 1.0]]]}, "maps: expected square, symmetric"),
        ({"maps": [_HALF, [[1.0, 1.5], [1.5, 1.0]]]}, "maps: expected square, symmetric"),
        ({"maps": [_HALF, [[1.0, None], [None, 1.0]]]}, "maps: expected square, symmetric"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        dataclasses.replace(cka("concat"), **change)


def test_a_missing_or_unknown_field_is_named() -> None:
    values = json.loads(cka("concat").to_json())
    with pytest.raises(ValueError, match="here: 'speed': unknown field"):
        CkaRecord.from_json(json.dumps({**values, "speed": 1}), where="here")
    del values["maps"]
    with pytest.raises(ValueError, match="here: maps: missing"):
        CkaRecord.from_json(json.dumps(values), where="here")
