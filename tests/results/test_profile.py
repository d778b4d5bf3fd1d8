"""Profile records: what is written is read, what the schema does not allow is refused, damaged files are named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from results import SCHEMA, Store
from results.profile import ProfileRecord, profile_id
from tests.reports.simulated import profile


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store, records = Store(tmp_path), [profile("concat"), profile("none", status="oom", error="too large", rounds=[])]
    for item in records:
        assert store.write_profile(item).name == f"{item.profile_id}.json"
    assert store.profiles() == (sorted(records, key=lambda r: r.profile_id), [])
    assert Store(tmp_path / "none").profiles() == ([], [])


def test_damaged_profiles_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    store, good = Store(tmp_path), profile("concat")
    store.write_profile(good)
    folder = tmp_path / "profiles"
    (folder / f"{'1' * 16}.json").write_text(good.to_json()[:300])
    (folder / f"{'2' * 16}.json").write_text(good.to_json())
    found, problems = store.profiles()
    assert found == [good]
    assert [problem[: problem.index(":")] for problem in problems] == [f"profiles/{c * 16}.json" for c in "12"]
    assert "expected the file's own name" in problems[1]


def test_a_profile_of_a_later_schema_is_never_overwritten(tmp_path: Path) -> None:
    store, good = Store(tmp_path), profile("concat")
    path = store.write_profile(good)
    path.write_text(good.to_json().replace(f'"schema": {SCHEMA}', f'"schema": {SCHEMA + 1}', 1))
    with pytest.raises(ValueError, match="later uvit"):
        store.write_profile(good)
    assert f'"schema": {SCHEMA + 1}' in path.read_text()
    path.write_text("{")
    assert store.write_profile(good) == path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "cell"}, "kind: expected 'profile'"),
        ({"profile_id": "../x"}, "profile_id: expected 12 to 64"),
        ({"status": "undertrained"}, "status: expected one of ok, oom, error"),
        ({"mode": "dream"}, "mode: expected one of count, forward, train, sample"),
        ({"batch_size": 0}, "batch_size: expected a whole number from 1"),
        ({"rounds": [0.1, 0.0]}, "rounds: expected a list of seconds above 0"),
        ({"timing": {"cv": float("nan")}}, "timing: expected an object of numbers"),
        ({"variant": ""}, "variant: expected non-empty text"),
        ({"memory": None}, "memory: expected an object"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        dataclasses.replace(profile("concat"), **change)


def test_a_missing_or_unknown_field_is_named() -> None:
    values = json.loads(profile("concat").to_json())
    del values["rounds"]
    with pytest.raises(ValueError, match="here: rounds: missing"):
        ProfileRecord.from_json(json.dumps(values), where="here")
    with pytest.raises(ValueError, match="unknown field"):
        ProfileRecord.from_json(json.dumps({**values, "rounds": [], "speed": 1}))


def test_ids_depend_on_content_alone() -> None:
    assert profile_id({"a": 1, "b": [2]}) == profile_id({"b": [2], "a": 1}) != profile_id({"a": 1, "b": [3]})
