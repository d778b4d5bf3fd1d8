"""Three fair views of one endpoint: after equal steps, equal training MACs and equal training time.

A view's budget is what every arm can afford: all that the cheapest arm spends. Scores there are interpolated between
evaluations and never extrapolated. Only equal steps are what a grid declares; the other views are exploratory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from reports.analysis import columns as cols
from reports.analysis.compare import judge
from reports.analysis.costs import setting_text
from reports.analysis.trajectories import Curves, value_at
from reports.analysis.verdicts import Comparison, GridComparison
from reports.text import steps
from reports.views.grid import ArmView, GridView
from results.metrics import si
from results.profile import ProfileRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualBudget:
    """One fair view. ``at`` is the step at which an arm has spent the budget, ``missing`` why it has no score there.

    ``values`` are scores by arm and seed, ``comparisons`` one an arm but the baseline. ``why_none`` says why the view
    cannot be had at all, or why nothing in it can be judged.
    """

    name: str  # "steps", "macs", "time"
    title: str
    budget: str
    at: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    why_none: str | None = None

    @property
    def is_declared(self) -> bool:
        """Whether its verdicts are those of the grid's own endpoint."""
        return self.name == "steps"

    @property
    def exists(self) -> bool:
        return bool(self.values)

    def of(self, arm: str) -> Comparison | None:
        return next((comparison for comparison in self.comparisons if comparison.arm == arm), None)


def equal_budgets(grid: GridView, compared: GridComparison, curves: Curves) -> list[EqualBudget]:
    """The fair views at equal steps, MACs and time, in this order; none of R, and none before there is a score.

    ``compared`` are the grid's verdicts, ``curves`` the trajectories of the column that they stand on.
    """
    column = compared.endpoint
    if column is None or column.computed:  # R is of whole curves: at another budget it is another question
        return []
    whole = _whole(curves, column.step)
    return [_equal_steps(grid, column, compared), _equal_macs(grid, column, whole), _equal_time(grid, column, whole)]


def _whole(curves: Curves, last: int) -> Curves:
    """Those scored at the endpoint's step: what came before is then inside what was measured."""
    return {
        arm: {seed: points for seed, points in by_seed.items() if points[-1].step == last}
        for arm, by_seed in curves.items()
    }


def _equal_steps(grid: GridView, column: cols.Column, compared: GridComparison) -> EqualBudget:
    return EqualBudget(
        name="steps",
        title="equal steps",
        budget=f"{steps(column.step)} steps",
        at={arm.name: float(column.step) for arm in grid.arms},
        values={arm.name: column.values(arm) for arm in grid.arms},
        comparisons=compared.comparisons,
        why_none=compared.why_none,
    )


def _equal_macs(grid: GridView, column: cols.Column, curves: Curves) -> EqualBudget:
    title = "equal training MACs"
    totals = {
        arm: float(max(points[-1].macs for points in by_seed.values())) for arm, by_seed in curves.items() if by_seed
    }
    if not totals or min(totals.values()) <= 0:
        return EqualBudget(name="macs", title=title, budget="", why_none="the records do not say what training cost")
    least = min(totals, key=lambda arm: totals[arm])
    budget = f"{si(totals[least])} MACs, all that {least} spends"
    return _at_budget(EqualBudget(name="macs", title=title, budget=budget), grid, column, curves, totals)


def _equal_time(grid: GridView, column: cols.Column, curves: Curves) -> EqualBudget:
    """Steps times the median profiled time of a step, on one device in one setting."""
    view = EqualBudget(name="time", title="equal training time", budget="")
    batch = _agreed(grid, "batch_size")  # images a training step
    how, profiles = _profiled(grid, batch)
    if batch is None or grid.baseline.name not in profiles or len(profiles) < 2:
        missing = f"no profile of the arms' training steps beside the records; to measure them: {_command(grid, batch)}"
        return dataclasses.replace(view, why_none=missing)
    totals = {
        arm: column.step * batch / record.timing["imgs_per_s"] for arm, record in profiles.items() if curves.get(arm)
    }
    if not totals:
        return dataclasses.replace(view, why_none="no finished cell has a score of the primary endpoint")
    least = min(totals, key=lambda arm: totals[arm])
    budget = f"{_duration(totals[least])}, all that {least} takes; {steps(column.step)} × median step, {how}"
    return _at_budget(dataclasses.replace(view, budget=budget), grid, column, curves, totals)


def _command(grid: GridView, batch: int | None) -> str:
    """What profiles the networks of this grid, which the preset and the data decide."""
    asked = grid.manifest
    chosen = ["--grid", asked.name, *(["--preset", asked.preset] if asked.preset is not None else [])]
    size = _agreed(grid, "image_size")
    chosen += [
        "--dataset",
        asked.dataset,
        *(["--image-size", str(size)] if size else []),
        "--mode",
        "train",
        "--batch-sizes",
        str(batch or "auto"),
    ]
    return " ".join(["uvit profile", *chosen, "--out DIR"])


def _at_budget(
    view: EqualBudget, grid: GridView, column: cols.Column, curves: Curves, totals: Mapping[str, float]
) -> EqualBudget:
    """The view with scores where each arm has spent as much as the cheapest spends in all."""
    least = min(totals.values())
    at = {arm: column.step * least / total for arm, total in totals.items()}
    values: dict[str, dict[int, float]] = {}
    missing = {arm.name: _why_missing(view, arm) for arm in grid.arms if arm.name not in at}
    for arm, step in at.items():
        at_step = {seed: value_at(points, step) for seed, points in curves[arm].items()}
        values[arm] = {seed: value for seed, value in at_step.items() if value is not None}
        if not values[arm]:
            first = min(points[0].step for points in curves[arm].values())
            missing[arm] = f"needed at step {step:,.0f}, before its first evaluation (step {steps(first)})"
    comparisons, why = judge(grid, column, values)
    noted = tuple(dataclasses.replace(c, note=missing.get(c.arm, c.note)) for c in comparisons)
    return dataclasses.replace(view, at=at, values=values, comparisons=noted, missing=missing, why_none=why)


def _why_missing(view: EqualBudget, arm: ArmView) -> str:
    if not arm.survivors:
        return "no finished cell"
    return "not profiled in this setting" if view.name == "time" else "not scored at the endpoint's step"


def _agreed(grid: GridView, name: str) -> int | None:
    """A positive number of the training configuration, where all cells agree."""
    values = {record.training.get(name) for arm in grid.arms for record in arm.records}
    value = values.pop() if len(values) == 1 else None
    return value if isinstance(value, int) and value > 0 else None


def _profiled(grid: GridView, batch: int | None) -> tuple[str, dict[str, ProfileRecord]]:
    """Profiles of training steps that compare: the setting with the baseline in it and the most arms.

    Among equals the one at the training's own batch size, then the fastest.
    """
    by_setting: dict[str, dict[str, ProfileRecord]] = {}
    for arm in grid.arms:
        for record in arm.profiles:
            if record.ok and record.mode == "train" and record.timing.get("imgs_per_s"):
                by_setting.setdefault(f"{setting_text(record)} on {record.device_name}", {})[arm.name] = record

    def rank(how: str) -> tuple[bool, int, bool, float]:
        arms = by_setting[how]
        record = next(iter(arms.values()))
        fastest = max(record.timing["imgs_per_s"] for record in arms.values())
        return grid.baseline.name in arms, len(arms), record.batch_size == batch, fastest

    best = max(by_setting, key=rank, default="")
    return best, by_setting.get(best, {})


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.3g} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
