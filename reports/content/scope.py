"""What a verdict holds for, and what it says nothing of: read off the records, so that what they lack is said too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from reports.analysis.compute import ComputeRatio
from reports.analysis.inference import ALPHA
from reports.analysis.interactions import Interaction
from reports.analysis.silence import EARLY_KINDS
from reports.analysis.verdicts import Comparison, GridComparison
from reports.text import plural, quoted
from reports.views.grid import ArmView, GridView
from results.calibration import CalibrationRecord

_LEVELS: Mapping[str, str] = {
    "A": "the baseline beats a linear filter in every noise bin",
    "B": "the baseline beats a linear filter in the geometric mean over noise levels",
    "C": "early training: the baseline beats a linear filter in the arithmetic mean alone",
    "none": "not valid: the baseline is no better than a linear filter",
}


def scope_lines(grid: GridView, compared: GridComparison) -> list[str]:
    """Three lines for a grid that has verdicts; none for another."""
    if compared.why_none is not None or not any(c.verdict for c in compared.comparisons):
        return []
    costs = [f"{name} {_span(grid, name)}" for name in ("MACs", "params")]
    return [
        f"scope: {trained_on(grid)}",
        f"seeds stand for initialisation, order of the data and noise alone; {_look(compared)}; {validity(grid)}",
        f"against the baseline: {', '.join(costs)}; nothing is said of other data, learning rates or longer training",
    ]


def arm_scope(grid: GridView, compared: GridComparison, comparison: Comparison) -> str:
    """The scope of one arm's verdict, in one line; what it costs stands apart."""
    return (
        f"{trained_on(grid)}; seeds stand for initialisation, order of the data and noise alone; "
        f"{_look(compared, comparison)}; {validity(grid)}; "
        "nothing is said of other data, learning rates or longer training"
    )


def interaction_lines(grid: GridView, found: Sequence[Interaction]) -> list[str]:
    """The interactions of a grid of blocks, in one line."""
    if not found:
        return []
    metric, parts = grid.metric, []
    for each in found:
        ends = [] if each.interval is None else [metric.format(end, signed=True) for end in each.interval]
        span = f" [{', '.join(ends)}]" if ends else ""
        parts.append(f"{quoted(each.arm)} in {each.block} {metric.format(each.difference, signed=True)}{span}")
    first = found[0].first
    what = "ratio of its R" if metric.ratio else "difference of its Δ"
    return [f"interactions (exploratory, no verdict): {what} in a block to that in {first}: {'; '.join(parts)}"]


def compute_lines(grid: GridView, found: Sequence[ComputeRatio]) -> list[str]:
    """R times the relative MACs of every arm, in one line; none where there is no R, or no arm differs in MACs."""
    if not found:
        return []
    metric, parts = grid.metric, []
    for each in found:
        span = "" if each.interval is None else f" [{', '.join(metric.format(end) for end in each.interval)}]"
        parts.append(f"{quoted(each.arm.name)} {metric.format(each.compute)}{span}")
    return [
        "compute to the baseline's loss, R × relative MACs a step (exploratory, no verdict; MACs are not time): "
        f"{', '.join(parts)}"
    ]


def trained_on(grid: GridView) -> str:
    """Data, preset, length, precision and learning rate of the grid's cells."""
    records = [record for arm in grid.arms for record in arm.records]
    trainings = [record.training for record in records]
    parts = [
        _dataset(records[0].dataset) if records else grid.manifest.dataset,
        f"preset {grid.manifest.preset or _each(record.preset for record in records)}",
        f"{_each(training.get('steps') for training in trainings)} steps of "
        f"{_each(training.get('batch_size') for training in trainings)} images",
        _each(training.get("precision") for training in trainings),
    ]
    return ", ".join(part for part in [*parts, _rates(grid, trainings)] if part)


def validity(grid: GridView) -> str:
    """The validity level of the grid's calibrations, and the spread of a repeat."""
    found = grid.calibrations
    if not found:
        told = "needed for an endpoint of early training" if grid.metric.kind in EARLY_KINDS else "none needed"
        return f"no calibration ({told})"
    said: dict[str, list[str]] = {}  # blocks that are calibrated alike are told together
    for block, calibration in found.items():
        said.setdefault(_calibrated(calibration), []).append(block)
    if len(said) == 1 and len(found) == len(grid.blocks):
        return next(iter(said))
    return "; ".join(f"{', '.join(blocks)}: {text}" for text, blocks in said.items())


def _calibrated(calibration: CalibrationRecord) -> str:
    seeds = plural(len(calibration.seeds), "calibration seed")
    repeat = "spread of a repeated cell not known"
    if calibration.repeat_sd is not None:
        repeat = f"a cell run again moves log R by {calibration.repeat_sd:.3f} (SD)"
    return f"validity level {calibration.level} ({_LEVELS[calibration.level]}; {seeds}); {repeat}"


def _look(compared: GridComparison, comparison: Comparison | None = None) -> str:
    plan, arms = compared.plan, plural(len(compared.comparisons), "comparison")
    rate = f"{ALPHA:.0%} over the grid's {arms}"
    if plan is None:
        return rate
    look = compared.looks_taken if comparison is None else comparison.look
    seeds = plan.looks[look - 1] if look else 0
    of = f"look {look} of {len(plan.looks)} ({plural(seeds, 'seed')})" if look else "before the first look"
    return f"{of}, error rate {rate}{' and all looks' if len(plan.looks) > 1 else ''}"


def _dataset(card: Mapping[str, Any]) -> str:
    name = str(card.get("name", "unknown data"))
    if photographs := card.get("photographs"):
        return f"{name} (crops of only {photographs} photographs)"
    return f"{name} ({card['train']:,} training images)" if isinstance(card.get("train"), int) else name


def _rates(grid: GridView, trainings: Iterable[Mapping[str, Any]]) -> str:
    """The learning rate. On what it was tuned is no field of any record, unless a calibration's provenance says it."""
    rates = list(dict.fromkeys(training["lr"] for training in trainings if "lr" in training))
    if not rates:
        return ""
    tuned = _each(c.provenance.get("tuned_on") for c in grid.calibrations.values())
    told = f"tuned on {tuned}" if tuned else "on what it was tuned is not on record"
    if len(rates) == 1:
        return f"one learning rate for all arms ({rates[0]:g}; {told})"
    return f"learning rates {', '.join(f'{rate:g}' for rate in rates)} ({told})"


def _each(values: Iterable[Any]) -> str:
    known = dict.fromkeys(value for value in values if value not in (None, ""))
    return " or ".join(f"{value:,}" if isinstance(value, int) else str(value) for value in known)


def relative(grid: GridView, arm: ArmView, name: Literal["params", "macs"]) -> float | None:
    """An arm's parameters or MACs over its baseline's, less one."""
    own, base = arm.network_size(name), grid.baseline_of(arm).network_size(name)
    return None if own is None or not base else own / base - 1


def _span(grid: GridView, name: str) -> str:
    """``−3.1% to +2.0%`` over the arms."""
    kind: Literal["params", "macs"] = "macs" if name == "MACs" else "params"
    shares = [share for arm in grid.challengers if (share := relative(grid, arm, kind)) is not None]
    if not shares:
        return "unknown"
    low, high = (f"{100 * share + 0.0:+.1f}%".replace("-", "−") for share in (min(shares), max(shares)))
    return low if low == high else f"{low} to {high}"
