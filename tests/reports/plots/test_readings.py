"""The figure of how R is read: two curves, the level and its two steps, an arm a panel."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.content.grid_report import grid_report
from reports.page.plotted_readings import plotted_readings
from reports.plots import alt_text, readings
from reports.views.find import find
from results import Store
from tests.reports.simulated import skip_run, speed_run

RATIOS = {"concat": (1.0, 1.0, 1.0), "none": (1.5, 1.2, 1.4), "add": (0.5, 0.8, 0.9)}


def drawn(store: Store) -> dict[str, Figure]:
    (grid,) = find(store.root).grids
    return readings.figures(grid_report(grid))


def test_the_bar_is_as_long_as_r_on_logarithmic_axes(tmp_path: Path) -> None:
    figure = drawn(speed_run(tmp_path, RATIOS))["speed-skip"]
    none, add = figure.axes
    assert [axis.get_xscale() + axis.get_yscale() for axis in figure.axes] == ["loglog"] * 2
    base, own, bar = none.lines
    assert base.get_color() == "#8C8C8C" and own.get_color() == "#0072B2"
    assert list(bar.get_xdata()) == pytest.approx([3000 / 1.4, 3000], rel=1e-3)
    assert list(bar.get_ydata()) == pytest.approx([own.get_ydata()[-1]] * 2)
    assert list(add.lines[2].get_xdata()) == pytest.approx([3000, 2400], rel=1e-3)
    assert base.get_xdata()[-1] == 3000 and base.get_xdata()[0] >= none.get_xlim()[0]
    assert none.get_title(loc="left") == "none: R = 1.40\n3,000 / 2,143 steps"
    assert none.get_xlabel() == "training steps, seed 102"
    texts = "\n".join(text.get_text() for text in figure.findobj(Text))
    assert "geometric mean of the training loss" in texts and "grey: the baseline" in texts


def test_of_blocks_a_figure_each_and_none_where_speed_is_not_the_endpoint(tmp_path: Path) -> None:
    arms = {"eps/concat": (1.0, 1.0), "eps/none": (1.3, 1.3), "v/concat": (2.0, 2.0), "v/none": (2.4, 2.4)}
    training = {arm: {"prediction": arm[: arm.index("/")]} for arm in arms}
    found = drawn(speed_run(tmp_path / "a", arms, training=training))
    assert list(found) == ["speed-skip-eps", "speed-skip-v"]
    assert found["speed-skip-v"].axes[0].get_title(loc="left").startswith("v/none: R = 1.20")
    (grid,) = find(tmp_path / "a").grids
    assert alt_text(grid, "speed-skip-v.png").startswith("How R is read")
    assert drawn(skip_run(tmp_path / "b")) == {}


def test_the_page_has_the_same_panels(tmp_path: Path) -> None:
    (grid,) = find(speed_run(tmp_path, RATIOS).root).grids
    none, add = plotted_readings(grid_report(grid), {"concat": 0, "none": 1, "add": 2})
    assert none["title"] == "none (seed 102)" and none["text"] == "R = 1.40: 3,000 steps for the baseline's 2,143"
    assert [line["arm"] for line in add["lines"]] == [0, 2] and add["steps"] == pytest.approx([2400, 3000], rel=1e-3)
    assert len(none["lines"][0]["band"]) <= 60 and none["lines"][0]["band"][-1][0] == 3000
    assert none["level"] == pytest.approx(none["lines"][1]["band"][-1][1])
    (plain,) = find(skip_run(tmp_path / "b").root).grids
    assert plotted_readings(grid_report(plain), {}) == []
