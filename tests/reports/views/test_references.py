"""What a grid is held against: plans of several folders, filters of its images, calibrations of its training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports.views.find import find
from reports.views.references import planned
from results import Store
from results.manifest import Manifest
from tests.reports.simulated import calibration, linear_filter, speed_manifest, speed_run


def plan(seeds: list[int], looks: list[int]) -> Manifest:
    return Manifest.from_dict(speed_manifest(["concat", "add"], seeds, looks=looks))


@pytest.mark.parametrize(
    ("plans", "seeds", "looks"),
    [
        ([([1, 2, 3], [3])], (1, 2, 3), (3,)),
        ([([1, 2, 3], [3]), ([1, 2, 3], [3])], (1, 2, 3), (3,)),
        ([([1, 2, 3], [3]), ([4, 5], [2])], (1, 2, 3, 4, 5), (5,)),
        ([([1, 2, 3], [3]), ([3, 4], [2])], (1, 2, 3, 4), (4,)),
        ([([1, 2, 3], [3]), ([1, 2, 3, 4, 5, 6], [3, 6])], (1, 2, 3, 4, 5, 6), (3, 6)),
    ],
)
def test_plans_of_several_folders(plans: list[Any], seeds: tuple[int, ...], looks: tuple[int, ...]) -> None:
    made = planned([plan(*each) for each in plans])
    assert (made.seeds, made.looks) == (seeds, looks)


def test_a_plan_beside_none_is_none() -> None:
    content = speed_manifest(["concat", "add"], [7, 8])
    del content["seeds"], content["looks"]
    made = planned([plan([1, 2, 3], [3]), Manifest.from_dict(content)])
    assert (made.seeds, made.looks) == ((), ())


def test_they_are_read_and_those_that_match_stand_in_the_grid(tmp_path: Path) -> None:
    ones = (1.0, 1.0)
    store = speed_run(tmp_path, {"concat": ones, "add": ones}, skill={"concat": (0.1, 0.1)})
    store.write_linear_filter(linear_filter())  # of other images
    store.write_calibration(calibration(preset="uvit-nano/4"))
    found = find(tmp_path)
    (grid,) = found.grids
    assert (len(found.linear_filters), len(found.calibrations)) == (2, 2)
    assert grid.linear_filter is not None and grid.linear_filter.held_out_fingerprint == "ef" * 32
    assert len(grid.linear_filters) == 1 and grid.calibrations[""].preset == "uvit-micro-deep/4"


def test_damaged_ones_are_named(tmp_path: Path) -> None:
    store = speed_run(tmp_path, {"concat": (1.0, 1.0), "add": (1.0, 1.0)})
    for part in ("linear_filters", "calibrations"):
        (store.root / part / "000000000000.json").write_text("{}")
    problems = "\n".join(find(tmp_path).problems)
    assert "linear_filters/000000000000.json" in problems and "calibrations/000000000000.json" in problems


def test_a_folder_of_calibrations_alone_is_read(tmp_path: Path) -> None:
    Store(tmp_path).write_calibration(calibration())
    found = find(tmp_path)
    assert (found.grids, len(found.calibrations)) == ([], 1)
