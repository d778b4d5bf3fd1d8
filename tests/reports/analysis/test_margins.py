"""Margins: log 1.10 or log 1.25 for speed, and for skill what the same factor of steps does to the baseline."""

from __future__ import annotations

import math

import pytest

from reports.analysis.margins import NARROW, WIDE, skill_margin, speed_margin
from reports.analysis.power import equivalence_power


def test_speeds_margin_is_narrow_where_it_has_power_and_wide_otherwise() -> None:
    assert (math.log(1.1), math.log(1.25)) == (NARROW, WIDE)
    assert (speed_margin(0.02, 4), speed_margin(0.2, 4)) == (NARROW, WIDE)
    low, high = 0.02, 0.2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if speed_margin(middle, 4) == NARROW else (low, middle)
    assert equivalence_power(0.0, low, 12, 4, margin=NARROW, alpha=0.025) == pytest.approx(0.8, abs=1e-6)
    assert speed_margin(low * 1.02, 1) == NARROW  # fewer arms ask for less


def test_skills_margin_is_the_baselines_slope_times_speeds() -> None:
    """A skill that falls by 0.3 a unit of log steps, whatever K is."""
    at = {k: 2.0 - 0.3 * math.log(k) for k in (800.0, 1000.0, 1250.0)}
    assert skill_margin(at, NARROW) == pytest.approx(0.3 * NARROW)
    assert skill_margin({k: -value for k, value in at.items()}, NARROW) == pytest.approx(0.3 * NARROW)
    with pytest.raises(ValueError, match="two positive numbers of steps"):
        skill_margin({1000.0: 1.0}, NARROW)
