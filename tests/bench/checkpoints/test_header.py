"""Headers: written as they always were, read with defaults, checked field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.checkpoints.header import Header
from results.record import Score
from tests.bench.checkpoints.headers import header

SCORE = Score(score_id="0" * 16, step=3, weights="ema", metric="val_loss", value=0.5, card={}, train_macs=7, wall_s=1.5)
KEYS = [
    "variant",
    "model",
    "train_id",
    "dataset",
    "image_size",
    "channels",
    "training",
    "seed",
    "runtime",
    "losses",
    "train_s",
    "scores",
]


def _metadata(**changes: Any) -> dict[str, str]:
    """Of a header with ``changes`` of its JSON; None leaves a key out."""
    content = json.loads(header(step=3).metadata()["header"]) | changes
    kept = {key: value for key, value in content.items() if value is not None}
    return {"schema": "1", "step": "3", "header": json.dumps(kept)}


def test_it_comes_back_as_it_was() -> None:
    made = header(step=3, losses=[{"step": 3, "loss": 0.25}], train_s=2.5, scores=[SCORE], runtime={"threads": 2})
    assert Header.from_metadata(made.metadata(), where="f") == made


def test_keys_are_those_of_files_that_people_have() -> None:
    assert list(json.loads(header().metadata()["header"])) == KEYS
    imported = json.loads(header(imported={"kind": "official"}).metadata()["header"])
    assert sorted(imported) == sorted([*KEYS, "imported"])


def test_what_older_files_lack_has_a_default() -> None:
    dropped = dict.fromkeys(["dataset", "training", "runtime", "losses", "train_s", "scores"])
    read = Header.from_metadata(_metadata(**dropped), where="f")
    assert read.prediction == "eps"
    assert (read.process, read.losses, read.scores, read.train_s, read.encoding) == ("vp", [], [], 0.0, None)


def test_what_later_files_add_is_left_out() -> None:
    assert Header.from_metadata(_metadata(novel=1), where="f") == header(step=3)


@pytest.mark.parametrize("key", ["variant", "model", "train_id", "image_size", "channels", "seed"])
def test_what_a_network_cannot_do_without_is_named(key: str) -> None:
    with pytest.raises(ValueError, match=rf"^f: header: {key}: missing$"):
        Header.from_metadata(_metadata(**{key: None}), where="f")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"variant": ""}, "variant: expected non-empty text"),
        ({"train_id": "../x"}, "train_id: expected 12 to 64 lower-case hex digits"),
        ({"seed": -1}, "seed: expected a whole number from 0"),
        ({"losses": [{"step": 1, "loss": "nan"}]}, "losses: expected a list of objects with step and a finite loss"),
        ({"scores": 3}, "scores: expected a list of scores"),
        ({"scores": [{"step": 1}]}, r"scores\[0\]: score_id: missing"),
        ({"train_s": -1}, "train_s: expected seconds from 0"),
        ({"model": []}, "model: expected an object"),
    ],
)
def test_each_field_is_checked(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=rf"^f: header: {told}"):
        Header.from_metadata(_metadata(**changes), where="f")


def test_numbers_that_json_lacks_are_refused() -> None:
    metadata = _metadata()
    metadata["header"] = metadata["header"].replace('"train_s": 0.0', '"train_s": NaN')
    with pytest.raises(ValueError, match="does not parse"):
        Header.from_metadata(metadata, where="f")
