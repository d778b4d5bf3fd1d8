"""Records: text <-> object, and what is refused with which words."""

from __future__ import annotations

import json
import math
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results import Record, Score
from results.record import STATUSES
from results.schema import SCHEMA, NewerSchema, dumps, is_count, is_number, plain

HEX = st.text("0123456789abcdef", min_size=12, max_size=64)
TEXT = st.text(min_size=1, max_size=20)
COUNT = st.integers(0, 10**15)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBER | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(st.text(), JSON, max_size=4)
SCORES = st.builds(
    Score,
    score_id=HEX,
    step=COUNT,
    weights=TEXT,
    metric=TEXT,
    value=st.none() | NUMBER,
    card=OBJECT,
    train_macs=COUNT,
    wall_s=st.floats(0, 1e9),
)
RECORDS = st.builds(
    Record,
    train_id=HEX,
    status=st.sampled_from(STATUSES),
    error=st.none() | st.text(),
    variant=TEXT,
    preset=TEXT,
    options=st.dictionaries(TEXT, TEXT, max_size=3),
    dataset=OBJECT,
    budget=TEXT,
    training=OBJECT,
    seed=COUNT,
    params=COUNT,
    macs=COUNT,
    losses=st.lists(st.fixed_dictionaries({"step": COUNT, "loss": NUMBER}), max_size=3),
    scores=st.lists(SCORES, max_size=3),
    provenance=OBJECT,
)


SCALARS = [0, -1, True, 0.0, -0.5, float("nan"), float("inf"), "1", None, [], np.float64(2), np.int64(2)]


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_counts_and_numbers_are_told_from_all_else(value: Any) -> None:
    """As the long way says it, which `is_count` and `is_number` take for what is not a plain int or float."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    assert is_count(value) == (whole and value >= 0)
    assert is_number(value) == ((whole or isinstance(value, float)) and math.isfinite(value))


def fields(**changes: Any) -> dict[str, Any]:
    score = {"score_id": "b" * 12, "step": 10, "weights": "ema", "metric": "fid_10k", "value": 5.8, "card": {},
             "train_macs": 1, "wall_s": 0.5}  # fmt: skip
    return {
        "schema": SCHEMA, "kind": "cell", "train_id": "a" * 16, "status": "ok", "error": None, "variant": "uvit-s/2",
        "preset": "uvit-s/2", "options": {}, "dataset": {"name": "photos"}, "budget": "cpu", "training": {}, "seed": 0,
        "params": 1, "macs": 2, "losses": [{"step": 1, "loss": 0.1}], "scores": [score], "marks": [],
        "repeat": 0, "measured": {}, "provenance": {}, "sha256": None,
    } | changes  # fmt: skip


@given(RECORDS)
@settings(max_examples=40, deadline=None)
def test_text_and_back_is_the_same_record(record: Record) -> None:
    assert Record.from_json(record.to_json()) == record


@given(RECORDS)
@settings(max_examples=40, deadline=None)
def test_text_is_strict_ascii_json(record: Record) -> None:
    text = record.to_json()
    assert text.isascii()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in a record"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_id": "../../etc/passwd"}, "train_id: expected 12 to 64 lower-case hex digits"),
        ({"train_id": "a" * 11}, "train_id"),
        ({"train_id": "a" * 16 + "\n"}, "train_id"),
        ({"status": "fine"}, "status: expected one of ok, undertrained, diverged, oom, error, got 'fine'"),
        ({"error": 3}, "error: expected text or null"),
        ({"variant": ""}, "variant: expected non-empty text"),
        ({"options": {"skip": 1}}, "options"),
        ({"dataset": []}, "dataset: expected an object"),
        ({"seed": -1}, "seed: expected a whole number from 0, got -1"),
        ({"seed": True}, "seed"),
        ({"params": 1.5}, "params"),
        ({"losses": [{"step": 1}]}, "losses"),
        ({"kind": "profile"}, "kind"),
        ({"scores": {}}, "scores: expected a list"),
        ({"scores": [3]}, r"scores\[0\]: expected a JSON object"),
        ({"scores": [fields()["scores"][0] | {"value": "5"}]}, r"scores\[0\]: value: expected a finite number or null"),
        ({"scores": [fields()["scores"][0] | {"value": True}]}, r"scores\[0\]: value"),
        ({"scores": [fields()["scores"][0] | {"wall_s": -1}]}, r"scores\[0\]: wall_s"),
        ({"extra": 1}, "'extra': unknown field"),
        ({"marks": [1]}, "marks: expected a list of texts"),
        ({"repeat": -1}, "repeat: expected a whole number from 0"),
        ({"measured": []}, "measured: expected an object"),
        ({"sha256": "a" * 64}, "sha256: expected that of the content, which was changed"),
        ({"schema": 1}, "'marks': unknown field; schema 1 has schema, kind"),
        ({"schema": 0}, "schema"),
        ({"schema": "1"}, "schema"),
        ({"schema": True}, "schema"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^records/x.json: {message}") as caught:
        Record.from_json(json.dumps(fields(**change)), where="records/x.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", list(fields()))
def test_a_missing_field_is_named(name: str) -> None:
    content = fields()
    del content[name]
    with pytest.raises(ValueError, match=f"file: {name}: "):
        Record.from_json(json.dumps(content), where="file")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"schema": NaN}', "[" * 100_000, b"\xff\xfe\x00", "null"])
def test_what_is_no_record_is_refused_in_one_line(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"^file: ") as caught:
        Record.from_json(text, where="file")
    assert "\n" not in str(caught.value)


def test_a_record_of_the_first_schema_is_read_with_defaults() -> None:
    first = {key: value for key, value in fields(schema=1).items() if key not in Record.ADDED[2]}
    read = Record.from_json(json.dumps(first))
    assert read == Record.from_dict(fields())
    assert (read.schema, read.marks, read.repeat, read.measured, read.sha256) == (SCHEMA, [], 0, {}, None)
    again = Record.from_json(json.dumps(first))
    read.marks.append("dirty")
    assert again.marks == [], "defaults are not shared"
    for name in ("params", "provenance"):
        with pytest.raises(ValueError, match=f"{name}: missing"):
            Record.from_json(json.dumps({key: value for key, value in first.items() if key != name}))


def test_a_record_that_was_changed_after_it_was_written_is_told() -> None:
    text = Record.from_dict(fields(measured={"x": 0.1, "s": "\u03b1"})).to_json()
    written = json.loads(text)
    assert len(written["sha256"]) == 64
    assert Record.from_json(text).sha256 == written["sha256"]
    assert Record.from_json(json.dumps(dict(reversed(written.items())))).sha256 == written["sha256"], "layout is free"
    for key, value in (("params", 2), ("measured", {"x": 0.2, "s": "\u03b1"})):
        with pytest.raises(ValueError, match=r"^x: sha256: expected that of the content"):
            Record.from_json(json.dumps(written | {key: value}), where="x")
    assert Record.from_json(json.dumps(written | {"sha256": None})).sha256 is None, "one that is edited on purpose"


def test_a_record_of_a_later_schema_says_so() -> None:
    with pytest.raises(NewerSchema, match=f"schema {SCHEMA + 1} was written by a later uvit"):
        Record.from_json(json.dumps(fields(schema=SCHEMA + 1)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_score_is_finite_or_none(value: float) -> None:
    with pytest.raises(ValueError, match="value: expected a finite number or null"):
        Score(**fields()["scores"][0] | {"value": value})


def test_cards_become_plain_json() -> None:
    card = {"t": (0.001, 0.999), "n": np.int64(3), "x": np.float32(0.5), "a": np.arange(2), "nan": float("nan"),
            "path": PurePosixPath("a/b"), 1: {"b", "a"}, "no": np.bool_(True)}  # fmt: skip
    expected = {
        "t": [0.001, 0.999],
        "n": 3,
        "x": 0.5,
        "a": [0, 1],
        "nan": None,
        "path": "a/b",
        "1": ["a", "b"],
        "no": True,
    }
    assert plain(card) == expected
    assert json.loads(dumps(card)) == expected
    score = Score(**fields()["scores"][0] | {"card": card})
    again = Record.from_json(Record(**fields(scores=[score])).to_json())
    assert again.scores[0].card == expected
