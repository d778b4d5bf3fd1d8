"""How R is read: what is drawn is what `speed_ratio` says, at the seed in the middle."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from reports.analysis.speed import level_reading
from reports.analysis.speed_pairs import speed_pairs
from reports.analysis.speed_reading import SpeedReading, speed_readings
from reports.views.find import find
from tests.reports.simulated import speed_run


def readings(root: Path, ratios: dict[str, tuple[float, ...]]) -> list[SpeedReading]:
    (grid,) = find(speed_run(root, ratios).root).grids
    return speed_readings(grid, speed_pairs(grid))


def test_the_seed_in_the_middle_and_the_steps_whose_ratio_is_r(tmp_path: Path) -> None:
    slow, fast = readings(tmp_path, {"concat": (1.0, 1.0, 1.0), "none": (1.5, 1.2, 1.4), "add": (0.5, 0.8, 0.9)})
    assert (slow.arm.name, slow.baseline.name, slow.seed, slow.pairs) == ("none", "concat", 102, 3)
    assert (slow.at.arm_step, slow.at.baseline_step) == pytest.approx((3000, 3000 / 1.4), rel=1e-3)
    assert (fast.seed, fast.at.arm_step, fast.at.baseline_step) == (101, pytest.approx(2400, rel=1e-3), 3000)
    for reading in (slow, fast):
        last = {"arm": reading.own[-1], "baseline": reading.base[-1]}
        assert max(last.values(), key=lambda point: point[1])[1] == reading.at.level
        assert reading.at.ratio.log_ratio == pytest.approx(math.log(1.4 if reading is slow else 0.8), rel=1e-3)
        assert reading.first_shown() <= min(reading.at.arm_step, reading.at.baseline_step, 1200)


def test_an_arm_without_a_pair_has_none_and_of_two_seeds_the_lower_is_shown(tmp_path: Path) -> None:
    (only,) = readings(tmp_path, {"concat": (1.0, 1.0), "none": (1.4, 1.2), "add": ()})
    assert (only.arm.name, only.seed) == ("none", 101)


def test_a_bound_is_told() -> None:
    reading = level_reading([(10, -1.0), (20, -2.0)], [(10, -3.0), (20, -4.0)])
    assert reading.is_bound and (reading.level, reading.arm_step, reading.baseline_step) == (-2.0, 20, 10)
    assert reading.ratio.is_bound and reading.ratio.ratio == pytest.approx(2)
