"""Marks: what is told of a cell, and that the linear filter's is only set where both are known."""

from __future__ import annotations

from typing import Any

import pytest

from bench.cell.marks import ABOVE_THE_FILTER, filter_marks
from results.linear_filter import LinearFilterRecord
from results.record import Score

FILTER = LinearFilterRecord(
    linear_filter_id="a" * 16, dataset={}, training_fingerprint="t", held_out_fingerprint="h", training_images=2,
    held_out_images=2, process="vp", builder=1, basis="b", edges=[0.1, 0.2, 0.3], log_snr=[1.0, 0.0],
    loss=[0.1, 0.01], input_loss=[1.0, 1.0], wall_s=0.0,
)  # fmt: skip


def _score(levels: list[float] | None, **changes: Any) -> Score:
    card = {"fingerprint": "h", "process": "vp", **changes.pop("card", {})}
    card |= {} if levels is None else {"levels": levels}
    values: dict[str, Any] = {"step": 6, "weights": "ema", "metric": "val_loss", "value": 0.05} | changes
    return Score(score_id="b" * 16, card=card, train_macs=1, wall_s=0.0, **values)


def test_the_geometric_mean_decides() -> None:
    # above the filter's arithmetic mean, below its geometric one, and the other way round
    assert filter_marks([_score([0.3, 0.001])], step=6, filters=[FILTER]) == []
    assert filter_marks([_score([0.05, 0.03])], step=6, filters=[FILTER]) == [ABOVE_THE_FILTER]
    assert filter_marks([_score([0.1, 0.01])], step=6, filters=[FILTER]) == [], "as good is not above"


@pytest.mark.parametrize(
    "score",
    [
        _score(None),
        _score([9.0, 9.0], step=4),
        _score([9.0, 9.0], weights="raw"),
        _score([9.0, 9.0], metric="val_loss_bin5"),
        _score([9.0, 9.0], card={"fingerprint": "other"}),
        _score([9.0, 9.0], card={"process": "sd"}),
        _score([9.0, 9.0, 9.0]),
    ],
    ids=["no levels", "not the end", "raw", "a bin", "other images", "other process", "other levels"],
)
def test_what_is_not_known_is_not_marked(score: Score) -> None:
    assert filter_marks([score], step=6, filters=[FILTER]) == []


def test_without_a_filter_nothing_is_known() -> None:
    assert filter_marks([_score([9.0, 9.0])], step=6, filters=[]) == []
