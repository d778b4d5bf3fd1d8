"""Every arm's verdict by itself, for ``uvit verdict``, for scripts, and for a run that goes on until all is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.analysis.columns import columns
from reports.analysis.compare import compare
from reports.analysis.silence import silences
from reports.analysis.verdicts import Comparison, GridComparison
from reports.content.scope import arm_scope, relative
from reports.content.wording import finding, ratio_line
from reports.text import plain, plural, quoted
from reports.views.find import find
from reports.views.grid import ArmView, GridView
from results.frame import Dirs

ALL_RESOLVED, SOME_OPEN, NONE_POSSIBLE = 0, 3, 4  # exit codes


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmVerdict:
    """One arm against its baseline, and what its verdict rests on or why it has none."""

    grid: GridView
    compared: GridComparison
    arm: ArmView
    comparison: Comparison
    silence: str | None  # why its block has no verdict

    @property
    def reason(self) -> str:
        """Why there is no verdict, or what it does not say; "" where nothing is to be said."""
        silent = (self.silence or self.compared.why_none) if self.comparison.verdict is None else None
        return "; ".join(dict.fromkeys(part for part in (silent, self.comparison.note) if part))

    @property
    def is_possible(self) -> bool:
        """Whether the arm has a verdict, or seeds that are planned may give it one."""
        return self.comparison.verdict is not None or self.comparison.is_open

    def row(self) -> dict[str, Any]:
        """Plain values. ``ratio`` is R, or None where the endpoint is no ratio; ``difference`` is in its own unit."""
        found, metric = self.comparison, self.grid.metric
        ends = list(found.interval) if found.interval is not None else None
        if metric.ratio and ends is not None:
            ends = [math.exp(min(end, 700.0)) for end in ends]
        base = self.grid.baseline_of(self.arm)
        return {
            "grid": self.grid.title,
            "block": self.arm.block,
            "arm": self.arm.name,
            "baseline": base.name,
            "metric": self.grid.metric_name,
            "verdict": found.verdict,
            "ratio": math.exp(found.difference) if metric.ratio and found.difference is not None else None,
            "difference": None if metric.ratio else found.difference,
            "interval": ends,
            "seeds": found.n_pairs,
            "seeds_needed": found.seeds_needed,
            "cost": {name: relative(self.grid, self.arm, name) for name in ("macs", "params")},
            "scope": arm_scope(self.grid, self.compared, found),
            "reason": self.reason,
        }

    def line(self) -> str:
        """The same in one line."""
        parts = [f"{self.grid.title}: {self._finding()}", plural(self.comparison.n_pairs, "seed")]
        if self.comparison.verdict == "unresolved" and self.comparison.seeds_needed is not None:
            parts.append(f"about {self.comparison.seeds_needed:,} would resolve it")
        parts += [cost for name in ("macs", "params") if (cost := self._cost(name))]
        return plain("; ".join([*parts, *([self.reason] if self.reason else [])]), limit=1000)

    def _finding(self) -> str:
        found, metric, base = self.comparison, self.grid.metric, self.grid.baseline_of(self.arm).name
        if found.difference is None:
            return f"{quoted(found.arm)}: no verdict"
        if metric.ratio:
            goal = f" times the steps of {base}"
            return ratio_line(metric, found, verb="needs ", goal=goal, margin=self.compared.margin)
        low, high = (metric.format(end, signed=True) for end in found.interval or (None, None))
        span = "" if found.interval is None else f" [{low}, {high}]"
        word = finding(metric, found, self.compared.margin)
        figure = f"{metric.format(found.difference, signed=True)} {metric.label} against {base}{span}"
        return f"{quoted(found.arm)} {figure}: {word}"

    def _cost(self, name: Any) -> str:
        share = relative(self.grid, self.arm, name)
        word = {"macs": "MACs", "params": "params"}[name]
        return "" if share is None else f"{word} {100 * share + 0.0:+.1f}%".replace("-", "−")


def arm_verdicts(dirs: Dirs) -> list[ArmVerdict]:
    """Every arm of every grid in the folders. Raises ValueError for a missing folder and for one without a grid."""
    return [each for grid in _grids(dirs) for each in _of_grid(grid)]


def _grids(dirs: Dirs) -> list[GridView]:
    found = find(dirs)
    if not found.grids:
        raise ValueError(
            f"{found.folders[0]}: expected a grid in {found.folders[0] / 'grids'}, got none: `uvit run` writes it"
        )
    return found.grids


def _of_grid(grid: GridView) -> list[ArmVerdict]:
    compared = compare(grid, columns(grid))
    no_curve = None if compared.speed is None else compared.speed.why_none
    silent = silences(grid, compared.endpoint, compared.comparisons, no_curve)
    reasons = {block: silence.reason for block, silence in silent.items()}
    return [
        ArmVerdict(grid=grid, compared=compared, arm=arm, comparison=comparison, silence=reasons.get(arm.block))
        for arm, comparison in zip(grid.challengers, compared.comparisons, strict=True)
    ]


def verdicts(dirs: Dirs) -> list[dict[str, Any]]:
    """Each arm's verdict as plain values: what ``uvit verdict --json`` prints. Raises as `arm_verdicts`."""
    return [each.row() for each in arm_verdicts(dirs)]


def open_arms(dirs: Dirs, grid: str) -> list[str]:
    """The arms of the grid called ``grid`` in its manifest that seeds at a later look may resolve; of blocks too.

    Empty where all are resolved, all looks taken, or no verdict can be had. Raises ValueError for an unknown grid, and
    as `arm_verdicts`.
    """
    views = _grids(dirs)
    named = [view for view in views if view.manifest.name == grid]
    if not named:
        known = dict.fromkeys(view.manifest.name for view in views)
        raise ValueError(f"grid {grid!r}: expected one that is in the folder ({', '.join(known)})")
    return [each.arm.name for view in named for each in _of_grid(view) if each.comparison.is_open]


def arm_lines(found: Sequence[ArmVerdict]) -> list[str]:
    """A line an arm, then what the verdicts of each grid hold for."""
    lines, grids = [each.line() for each in found], {each.grid.name: each for each in found}
    for each in grids.values():
        if each.compared.why_none is None:
            lines += [plain(f"{each.grid.title}, scope: {_scope(each)}", limit=1000)]
    return lines


def _scope(each: ArmVerdict) -> str:
    last = max(each.compared.comparisons, key=lambda comparison: comparison.look)
    return arm_scope(each.grid, each.compared, last)


def exit_code(found: Sequence[ArmVerdict]) -> int:
    """0 where every arm is resolved, 3 where some are not, 4 where no arm can have a verdict."""
    if not any(each.is_possible for each in found):
        return NONE_POSSIBLE
    return ALL_RESOLVED if all(each.comparison.is_resolved for each in found) else SOME_OPEN
