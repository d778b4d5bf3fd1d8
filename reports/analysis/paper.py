"""The paper's figures beside ours: same order of arms asked, never the same values."""

from __future__ import annotations

from dataclasses import dataclass

from reports.views.grid import ArmView, GridView
from results.metrics import Metric, describe
from results.paper import Panel, panels


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperColumn:
    """The paper's scores of a grid's arms, from the panels of Figure 2 that the grid's reference names."""

    panels: tuple[Panel, ...]

    @property
    def metric(self) -> Metric:
        return describe(self.panels[0].metric)

    @property
    def step(self) -> int:
        """The step of the paper's training at which its scores were read."""
        return self.panels[0].steps

    def value(self, arm: ArmView) -> float | None:
        """The paper's score of the arm that differs in one axis; None where it has none."""
        options = arm.options
        if not options:
            return self.panels[0].values[self.panels[0].default]
        for panel in self.panels:
            if list(options) == [panel.axis]:
                return panel.values.get(options[panel.axis])
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperCurves:
    """One panel of the paper's Figure 2: (step, value) points by the name of the arm that they belong to."""

    panel: Panel
    by_arm: dict[str, tuple[tuple[int, float], ...]]


def paper_curves(grid: GridView) -> list[PaperCurves]:
    """The panels that a grid's reference names, each with the curves of the grid's arms; those with an arm only."""
    beside = []
    for panel in panels(grid.manifest.reference):
        arms = {arm.name: _option(arm, panel) for arm in grid.arms}
        curves = {name: panel.curves[option] for name, option in arms.items() if option in panel.curves}
        if any(arms[name] != panel.default for name in curves):
            beside.append(PaperCurves(panel=panel, by_arm=curves))
    return beside


def _option(arm: ArmView, panel: Panel) -> str | None:
    """The arm's option on the panel's axis, where that is all it changes."""
    if not arm.options:
        return panel.default if arm.is_baseline else None
    return arm.options[panel.axis] if list(arm.options) == [panel.axis] else None


def paper_column(grid: GridView) -> PaperColumn | None:
    """The paper's column of a grid whose reference names a panel of Figure 2, if any of its arms stands there."""
    axes = {axis for arm in grid.arms for axis in arm.options}
    named = tuple(panel for panel in panels(grid.manifest.reference) if panel.axis in axes)
    if not named:
        return None
    column = PaperColumn(panels=named)
    return column if any(column.value(arm) is not None for arm in grid.arms if arm.options) else None
