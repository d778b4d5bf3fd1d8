"""Why an arm can have no verdict, whatever its numbers say: of its block, and of its grid as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.analysis import columns as cols
from reports.analysis.verdicts import Comparison
from reports.text import plural
from reports.views.grid import ArmView, GridView

EARLY_KINDS = ("speed", "loss", "bin")  # endpoints that mean something only where a calibration says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Why there is no verdict. ``is_final``: no further seed can change that."""

    reason: str
    is_final: bool


def silences(
    grid: GridView, column: cols.Column | None, comparisons: Sequence[Comparison], no_curve: str | None
) -> dict[str, Silence]:
    """By block, why its arms have no verdict; a block that may have verdicts is not in it.

    ``no_curve`` says why there is no R, where that is the endpoint.
    """
    by_arm = {comparison.arm: comparison for comparison in comparisons}
    found = {}
    for block in grid.blocks:
        baseline = next(arm for arm in grid.arms if arm.is_baseline and arm.block == block)
        arms = [by_arm[arm.name] for arm in grid.challengers if arm.block == block]
        reason = _without_numbers(grid, column, baseline, no_curve) or _too_few(grid, baseline, arms)
        lasting = _lasting(grid, column, baseline, arms)
        told = [text for text in (lasting, reason) if text]
        if told:
            waiting = reason is not None and lasting is None and _is_waiting(grid, baseline, arms)
            found[block] = Silence(reason="; and ".join(told), is_final=not waiting)
    return found


def why_none(grid: GridView, found: Mapping[str, Silence]) -> str | None:
    """One sentence where no block of the grid can have a verdict, else None."""
    if len(found) < len(grid.blocks):
        return None
    return "; ".join(dict.fromkeys(silence.reason for silence in found.values()))


def _without_numbers(grid: GridView, column: cols.Column | None, baseline: ArmView, no_curve: str | None) -> str | None:
    if not baseline.survivors:
        return f"the baseline {baseline.name} has no finished cell to compare with"
    if column is None:
        return no_curve or "no finished cell has a score of the primary endpoint"
    return None


def _too_few(grid: GridView, baseline: ArmView, arms: Sequence[Comparison]) -> str | None:
    if not arms:
        return "the grid has the baseline alone" if len(grid.blocks) == 1 else "the block has its baseline alone"
    if max(comparison.n_pairs for comparison in arms) >= 2:
        return None
    if max(len(arm.cells) for arm in grid.arms) < 2:
        return "one seed cannot tell an arm's effect from chance"
    return "no arm has two finished seeds in common with the baseline, measured in one way"


def _lasting(grid: GridView, column: cols.Column | None, baseline: ArmView, arms: Sequence[Comparison]) -> str | None:
    """What no number of seeds mends."""
    if column is not None and column.described.direction == "none":
        return f"nothing says which way {column.metric} is better"
    if not arms or not baseline.records or grid.metric.kind not in EARLY_KINDS:
        return None
    return _uncalibrated(grid, baseline)


def _uncalibrated(grid: GridView, baseline: ArmView) -> str | None:
    """Why an endpoint of early training says nothing here."""
    found, asked = grid.calibrations.get(baseline.block), grid.manifest
    where = f"{baseline.block} of " if baseline.block else ""
    if found is None:
        preset = asked.preset or baseline.records[0].preset
        told = f"{where}budget {asked.budget} is not calibrated for preset {preset}, dataset {asked.dataset} and "
        if asked.sections is None:  # a budget's name may mean another training since
            return f"{told}the training of this grid, which was run before budgets were calibrated"
        settings = next((arm.settings for arm in asked.arms if arm.arm == baseline.name), ())
        command = f"uvit calibrate {asked.budget} --preset {preset} --dataset {asked.dataset}"
        return f"{told}this training ({command}{''.join(f' --set {each}' for each in settings)})"
    if found.level == "none":
        return (
            f"{where}budget {asked.budget} is not valid: on {plural(len(found.seeds), 'calibration seed')} the "
            "baseline is no better than a linear filter even in the mean loss"
        )
    return None


def _is_waiting(grid: GridView, baseline: ArmView, arms: Sequence[Comparison]) -> bool:
    """Whether cells of the block are still to come."""
    names = {baseline.name, *(comparison.arm for comparison in arms)}
    return any(cell.record is None for arm in grid.arms if arm.name in names for cell in arm.cells)
