"""What a page says of a calibration: level, bins, spreads, margins and seeds, a part a block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reports.content.calibration_view import calibration_views
from reports.content.scope import validity
from reports.page import document
from reports.views.find import Findings, find
from reports.views.grid import GridView
from results.calibration import Bound
from tests.reports.simulated import record, skip_run, speed_run

RATIOS = {"concat": (1.0, 1.01), "none": (1.3, 1.31)}
BLOCKS = {f"{block}/{arm}": (1.0, 1.1) for block in ("eps", "v") for arm in ("concat", "none")}


def made(root: Path, ratios: dict[str, tuple[float, float]] = RATIOS, **calibrated: Any) -> tuple[Findings, GridView]:
    training = {arm: {"prediction": arm[: arm.index("/")]} for arm in ratios if "/" in arm}
    found = find(speed_run(root, ratios, training=training, calibrated=calibrated or True).root)
    return found, found.grids[0]


def test_level_bins_spreads_margins_and_seeds(tmp_path: Path) -> None:
    (view,) = calibration_views(made(tmp_path)[1])
    assert (view.block, view.level) == ("", "B") and view.meaning.startswith("the baseline beats the linear filter")
    assert len(view.skill.rows) == 7
    assert view.skill.rows[0] == ("bin 1 (cleanest)", "0.741", "0.756", "yes")
    assert view.skill.rows[4] == ("bin 5 (noisiest)", "1.492", "1.522", "no")
    assert view.skill.rows[5][0] == "geometric mean of all levels" and view.skill.rows[6][3] == "yes"
    said = "\n".join(view.lines)
    for part in (
        "5 calibration seeds (1000, 1001, 1002, 1003, 1004)", "3,000 steps", "log R 0.0300", "repeated 0.0100",
        "R within 1.10", "log skill within 0.0400", "different by 1.10: 5", "equivalent within 1.10: 6",
    ):  # fmt: skip
        assert part in said, part


def test_what_was_not_measured_is_told(tmp_path: Path) -> None:
    (view,) = calibration_views(made(tmp_path, repeat_sd=None, skill_sd=None)[1])
    assert "repeated not measured" in view.lines[1] and "the baseline's not measured" in view.lines[1]


def test_the_page_shows_it_below_the_remarks(tmp_path: Path) -> None:
    page = document(made(tmp_path / "a")[0])
    assert "<summary>Calibration: validity level B</summary>" in page
    assert "<td" in page[page.index("bin 5 (noisiest)") :] and "1.492" in page
    blocks = document(made(tmp_path / "b", BLOCKS)[0])
    assert all(f"<summary>Calibration of {block}: validity level B</summary>" in blocks for block in ("eps", "v"))
    none = find(speed_run(tmp_path / "c", RATIOS, calibrated=False).root)
    assert 'details class="lines calibration"' not in document(none) and calibration_views(none.grids[0]) == []


def test_marks_of_cells_stand_on_the_page(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=(0, 1), arms=("concat", "add"))
    store.write(record("add", 1, marks=["above the linear filter"]))
    assert "marked above the linear filter (decides nothing): add seed 1" in document(find(tmp_path))


def test_blocks_that_are_calibrated_alike_are_told_once(tmp_path: Path) -> None:
    _, grid = made(tmp_path, BLOCKS)
    assert validity(grid).startswith("validity level B (") and validity(grid).count("validity level") == 1
    other = {"calibrations": dict(grid.calibrations)}
    (_, again) = made(tmp_path / "c", BLOCKS, arithmetic=Bound(mean=-0.2, upper=-0.1), repeat_sd=0.02)
    other["calibrations"]["v"] = again.calibrations["v"]
    mixed = GridView(name="skip", title="skip", manifest=grid.manifest, arms=grid.arms, **other)
    assert validity(mixed).startswith("eps: validity level B") and "; v: validity level B" in validity(mixed)
    half = GridView(name="skip", title="skip", manifest=grid.manifest, arms=grid.arms,
                    calibrations={"v": again.calibrations["v"]})  # fmt: skip
    assert validity(half).startswith("v: validity level B")
