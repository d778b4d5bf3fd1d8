"""The figure of skill by noise level: arms, bands, the filter's line, t below and log-SNR above."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.content.grid_report import grid_report
from reports.page.plotted_levels import plotted_levels
from reports.plots import alt_text, levels
from reports.views.find import find
from results import Store
from tests.reports.simulated import speed_run

RATIOS = {"concat": (1.0, 1.0), "none": (1.3, 1.31)}
SKILL = {"concat": (-0.10, -0.20), "none": (0.05, 0.15)}


def drawn(store: Store) -> dict[str, Figure]:
    (grid,) = find(store.root).grids
    return levels.figures(grid_report(grid))


def test_lines_bands_and_the_filter_at_1(tmp_path: Path) -> None:
    figure = drawn(speed_run(tmp_path, RATIOS, skill=SKILL))["levels-skip"]
    (axis,) = figure.axes
    assert axis.get_yscale() == "log" and axis.get_xlim() == (0.0, 1.0)
    lines = {line.get_color(): line for line in axis.lines if len(line.get_xdata()) == 4}
    assert list(lines["#0072B2"].get_ydata()) == pytest.approx([math.exp(0.10)] * 4)
    assert list(lines["#000000"].get_ydata()) == pytest.approx([math.exp(-0.15)] * 4)
    assert list(axis.lines[-1].get_ydata()) == [1.0, 1.0]
    assert len(axis.collections) == 2
    texts = "\n".join(text.get_text() for text in figure.findobj(Text))
    for part in ("linear\nfilter", "log-SNR", "eps-loss over the linear filter's", "n = 2 seeds", "lowest to highest"):
        assert part in texts, part
    (above,) = axis.child_axes
    assert [tick.get_text() for tick in above.get_xticklabels()] == ["4", "0", "−4"]


def test_one_seed_has_no_band(tmp_path: Path) -> None:
    one = {arm: values[:1] for arm, values in RATIOS.items()}
    (axis,) = drawn(speed_run(tmp_path, one, skill={arm: values[:1] for arm, values in SKILL.items()}))[
        "levels-skip"
    ].axes
    assert not axis.collections


def test_a_block_has_a_figure_and_without_levels_there_is_none(tmp_path: Path) -> None:
    arms = {f"{block}/{arm}": (1.0, 1.1) for block in ("eps", "v") for arm in ("concat", "none")}
    training = {arm: {"prediction": arm[: arm.index("/")]} for arm in arms}
    skill = dict.fromkeys(arms, (0.1, 0.1))
    store = speed_run(tmp_path / "a", arms, training=training, skill=skill)
    assert list(drawn(store)) == ["levels-skip-eps", "levels-skip-v"]
    assert alt_text(find(store.root).grids[0], "levels-skip-v.png").startswith("EMA loss over the linear filter's")
    assert drawn(speed_run(tmp_path / "b", RATIOS)) == {}


def test_the_page_has_the_same_numbers(tmp_path: Path) -> None:
    (grid,) = find(speed_run(tmp_path, RATIOS, skill=SKILL).root).grids
    (panel,) = plotted_levels(grid_report(grid), {"concat": 0, "none": 1})
    assert panel["lines"][1]["arm"] == 1 and len(panel["lines"][1]["seeds"]) == 2
    assert panel["lines"][1]["band"][0] == [
        *(pytest.approx(0.2), pytest.approx(0.10), pytest.approx(0.05), pytest.approx(0.15)),
        "1.105 (1.051 to 1.162)",
    ]
    assert [text for _, text in panel["snr"]] == ["4", "0", "−4"]
