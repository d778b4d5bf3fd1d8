"""Ticks of an axis of ratios: 1 and plain numbers on both sides, none on another."""

from __future__ import annotations

import itertools
import math

import pytest

from reports.content.ratio_axis import ratio_ticks


def texts(low: float, high: float) -> list[str]:
    return [text for _, text in ratio_ticks(low, high)]


def test_one_and_numbers_with_their_inverses() -> None:
    assert texts(-0.5, 0.5) == ["0.67", "0.83", "1", "1.2", "1.5"]
    assert texts(-0.1, 0.1) == ["0.91", "0.95", "1", "1.05", "1.1"]
    assert texts(-3.0, 3.0) == ["0.05", "0.2", "1", "5", "20"]
    assert texts(-0.05, 0.5)[0] == "1" and texts(-0.05, 0.5)[-1] == "1.5", "an axis that reaches one way only"


@pytest.mark.parametrize("reach", [0.004, 0.03, 0.2, 0.7, 2.0, 6.0])
def test_no_tick_lies_on_another(reach: float) -> None:
    logs = [log for log, _ in ratio_ticks(-reach, reach)]
    assert 0.0 in logs and all(-reach <= log <= reach for log in logs)
    assert all(after - before >= 0.15 * 2 * reach - 1e-12 for before, after in itertools.pairwise(logs))
    assert all(math.exp(log) == pytest.approx(float(text), rel=0.02) for log, text in ratio_ticks(-reach, reach))


def test_an_axis_that_does_not_rise_is_refused() -> None:
    with pytest.raises(ValueError, match="expected logarithms that rise, got 1 to 1"):
        ratio_ticks(1.0, 1.0)
