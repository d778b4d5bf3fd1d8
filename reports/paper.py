"""The paper's figures beside ours: same order of arms asked, never the same values."""

from __future__ import annotations

from dataclasses import dataclass

from reports.frame import ArmView, GridView
from results.metrics import describe
from results.paper import Panel, panels


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperColumn:
    """The paper's scores of a grid's arms, from the panels of Figure 2 that the grid's reference names."""

    panels: tuple[Panel, ...]

    @property
    def heading(self) -> str:
        return "\n".join(["paper †", *describe(self.panels[0].metric).heading])

    @property
    def csv(self) -> str:
        return f"paper {self.panels[0].metric}"

    @property
    def note(self) -> str:
        """Where the figures come from, and what they are good for."""
        letters = [panel.name[-1] for panel in self.panels]
        source = self.panels[0].source.replace(f"({letters[0]})", f"({', '.join(letters)})", 1)
        return f"† {source}; CIFAR10, U-ViT-S/2, 500K steps, one seed: not comparable in value with ours, only in order"

    def value(self, arm: ArmView) -> float | None:
        """The paper's score of the arm that differs in one axis; None where it has none."""
        options = arm.options
        if not options:
            return self.panels[0].values[self.panels[0].default]
        for panel in self.panels:
            if list(options) == [panel.axis]:
                return panel.values.get(options[panel.axis])
        return None

    def text(self, arm: ArmView) -> str:
        return describe(self.panels[0].metric).format(self.value(arm))


def paper_column(grid: GridView) -> PaperColumn | None:
    """The column for a grid whose reference names a panel of Figure 2, if any of its arms stands there."""
    axes = {axis for arm in grid.arms for axis in arm.options}
    named = tuple(panel for panel in panels(grid.manifest["reference"]) if panel.axis in axes)
    if not named:
        return None
    column = PaperColumn(panels=named)
    return column if any(column.value(arm) is not None for arm in grid.arms if arm.options) else None
