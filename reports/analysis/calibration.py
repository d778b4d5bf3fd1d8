"""A calibration from its cells: validity, spreads, margins and power. Formulas: docs/calibration.md.

The plan is a manifest whose baseline and challengers have the calibration seeds. Arms with ``points`` are the
baseline trained for other numbers of steps; a point is a step at which their skill counts. ``planned_challengers`` is
how many arms the grid compares with its baseline, of which the plan may run fewer; ``tuned_on`` is text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Self

from reports.analysis import margins
from reports.analysis.inference import ALPHA, half_width
from reports.analysis.power import seeds_needed
from reports.analysis.speed_pairs import speed_pairs
from reports.text import plural
from reports.views.grid import ArmView, CellView, GridView
from reports.views.references import process_of
from results.calibration import SPEED_MARGINS, Bound, CalibrationRecord, level_of
from results.linear_filter import LinearFilterRecord, in_bins
from results.manifest import Manifest, ManifestArm
from results.provenance import provenance
from results.record import Record
from results.schema import content_sha256
from results.store import Store

POINTS, CHALLENGERS, TUNED_ON = "points", "planned_challengers", "tuned_on"  # the plan's own keys, the first an arm's
_ID_DIGITS = 16

BySeed = Mapping[int, Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationCells:
    """What a calibration is found from; ``records`` and ``repeats`` may hold more than its cells."""

    plan: Manifest
    records: Mapping[str, Record]  # by train_id
    repeats: Sequence[Record]
    linear_filter: LinearFilterRecord

    @classmethod
    def read(cls, root: Path, *, plan: Manifest, linear_filter: LinearFilterRecord) -> Self:
        """From the output folder ``root``; damaged records count as missing."""
        (records, _), (repeats, _) = Store(root).records(), Store(root).repeats()
        return cls(plan=plan, records={r.train_id: r for r in records}, repeats=repeats, linear_filter=linear_filter)

    def of(self, arm: ManifestArm) -> dict[int, Record]:
        """The arm's records by seed. Raises ValueError where a cell has none that trained to the end."""
        found = {cell.seed: self.records.get(cell.train_id) for cell in arm.cells}
        done = {seed: record for seed, record in found.items() if record is not None and record.survived}
        if missing := [str(seed) for seed in found if seed not in done]:
            raise ValueError(
                f"calibration of {self.plan.budget}: expected every cell, got none finished of {arm.arm} seed "
                f"{', '.join(missing)}; run the same command again, or leave the arm out with --arms"
            )
        return done

    @property
    def compared(self) -> list[ManifestArm]:
        """The baseline and its challengers, without the baseline's other numbers of steps."""
        return [arm for arm in self.plan.arms if POINTS not in arm.more]

    @property
    def baseline(self) -> ManifestArm:
        return next(arm for arm in self.compared if arm.arm == self.plan.baseline)

    @property
    def challengers(self) -> list[ManifestArm]:
        return [arm for arm in self.compared if arm.arm != self.plan.baseline]


def calibrate(cells: CalibrationCells) -> CalibrationRecord:
    """The calibration that the cells give. Raises ValueError where a cell or its losses by noise level are missing."""
    plan, known = cells.plan, cells.linear_filter
    baseline = cells.of(cells.baseline)
    levels = [_levels(record, known) for record in baseline.values()]
    by_bin = zip(*map(in_bins, levels), strict=True)
    bins = [
        _bound([math.log(loss / base) for loss in own]) for own, base in zip(by_bin, in_bins(known.loss), strict=True)
    ]
    logs = [known.log_skill(own) for own in levels]
    geometric = _bound([fmean(own) for own in logs])
    arithmetic = _bound([math.log(fmean(own) / known.mean) for own in levels])
    first, arms = next(iter(baseline.values())), planned_challengers(plan)
    speed_sd = pooled_sd(_log_ratios(plan, baseline, {arm.arm: cells.of(arm) for arm in cells.challengers}))
    speed_margin = margins.WIDE if speed_sd is None else margins.speed_margin(max(speed_sd, 1e-9), arms)
    content: dict[str, Any] = {
        "preset": plan.preset,
        "training": dict(first.training),
        "endpoint": asdict(plan.endpoint),
        "grid": plan.name,
        "seeds": sorted(baseline),
        "linear_filter_id": known.linear_filter_id,
    }
    return CalibrationRecord(
        **content,
        calibration_id=content_sha256(content)[:_ID_DIGITS],
        budget=plan.budget,
        variant=cells.baseline.variant,
        dataset=dict(first.dataset),
        level=level_of(bins, geometric, arithmetic),
        log_skill=[fmean(level) for level in zip(*logs, strict=True)],
        bins=bins,
        geometric=geometric,
        arithmetic=arithmetic,
        speed_sd=speed_sd,
        skill_sd=pooled_sd(_skill_differences(cells)),
        repeat_sd=repeat_sd(cells),
        speed_margin=round(math.exp(speed_margin), 2),
        skill_margin=_skill_margin(cells, speed_margin),
        seeds_for_power={} if speed_sd is None else power_table(speed_sd, arms),
        cells=sorted({cell.train_id for arm in plan.arms for cell in arm.cells}),
        provenance=provenance() | ({"tuned_on": tuned} if (tuned := plan.more.get(TUNED_ON)) else {}),
    )


def planned_challengers(plan: Manifest) -> int:
    """How many arms the grid compares with its baseline: what its verdicts share their error rate among."""
    return int(plan.more[CHALLENGERS])


def upper_bound(values: Sequence[float]) -> float:
    """The one-sided 95% upper bound of a mean: mean + t(0.95; n - 1) sd / sqrt(n). Needs two values."""
    n = len(values)
    return fmean(values) + float(half_width(stdev(values) / math.sqrt(n), n - 1, ALPHA))


def pooled_sd(groups: Iterable[Sequence[float]]) -> float | None:
    """The root of the variance pooled over ``groups`` of differences; None where none has two."""
    some = [group for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in some)
    return math.sqrt(sum((len(group) - 1) * stdev(group) ** 2 for group in some) / freedom) if freedom else None


def power_table(sd: float, arms: int) -> dict[str, int | None]:
    """The seeds that one look needs for 80% power: to tell such a difference, and to find equal arms within it."""
    spread = max(sd, 1e-9)
    found: dict[str, int | None] = {}
    for ratio in SPEED_MARGINS:
        found[f"different by {ratio:.2f}"] = seeds_needed(math.log(ratio), spread, arms, None)
        found[f"equivalent within {ratio:.2f}"] = seeds_needed(0.0, spread, arms, math.log(ratio))
    return found


def repeat_sd(cells: CalibrationCells) -> float | None:
    """The spread of log R of one training that repeats show: sqrt(sum log R(repeat, cell)^2 / 2m); None without any."""
    logs: list[float] = []
    for arm in cells.compared:
        originals = {record.train_id: record for record in cells.of(arm).values()}
        repeats = [record for record in cells.repeats if record.train_id in originals]
        others = {f"repeat of {arm.arm}": dict(enumerate(repeats))}
        first = dict(enumerate(originals[record.train_id] for record in repeats))
        logs += [log for own in _log_ratios(cells.plan, first, others) for log in own]
    return math.sqrt(math.fsum(log**2 for log in logs) / (2 * len(logs))) if logs else None


def _log_ratios(plan: Manifest, baseline: BySeed, others: Mapping[str, BySeed]) -> list[list[float]]:
    """log R of each of ``others`` against the baseline of the same seed; none where no curve gives one."""
    first = _view(plan.baseline, baseline, is_baseline=True)
    arms = (first, *(_view(name, records) for name, records in others.items()))
    grid = GridView(name=plan.name, title=plan.name, manifest=plan, arms=arms)
    return [[ratio.log_ratio for ratio in by_seed.values()] for by_seed in speed_pairs(grid).ratios.values()]


def _view(name: str, records: BySeed, *, is_baseline: bool = False) -> ArmView:
    cells = tuple(CellView(seed=seed, train_id=record.train_id, record=record) for seed, record in records.items())
    return ArmView(name=name, variant=name, formula="", cells=cells, is_baseline=is_baseline)


def _skill_differences(cells: CalibrationCells) -> list[list[float]]:
    """Each challenger's log skill less the baseline's of the same seed; none under another process than the filter."""

    def skill(record: Record) -> float:
        return fmean(cells.linear_filter.log_skill(_levels(record, cells.linear_filter)))

    baseline = {seed: skill(record) for seed, record in cells.of(cells.baseline).items()}
    return [
        [skill(record) - baseline[seed] for seed, record in cells.of(arm).items() if seed in baseline]
        for arm in cells.challengers
        if all(process_of(record.training) == cells.linear_filter.process for record in cells.of(arm).values())
    ]


def _skill_margin(cells: CalibrationCells, speed_margin: float) -> float | None:
    """What a change of the steps by the speed's margin makes of the baseline's skill; None without other steps.

    Each number of steps is a mean over the seeds that all have.
    """
    known, at = cells.linear_filter, dict[int, dict[int, float]]()
    for arm in cells.plan.arms:
        for seed, record in cells.of(arm).items() if POINTS in arm.more else ():
            for step in arm.more[POINTS]:
                at.setdefault(step, {})[seed] = fmean(known.log_skill(_levels(record, known, step)))
    if len(at) < 2:
        return None
    shared = set.intersection(*(set(by_seed) for by_seed in at.values()))
    return margins.skill_margin(
        {step: fmean([own[s] for s in sorted(shared)]) for step, own in at.items()}, speed_margin
    )


def _levels(record: Record, known: LinearFilterRecord, step: int | None = None) -> list[float]:
    """The EMA eps-loss at each noise level of the filter, after ``step`` steps or the last."""
    last = record.training.get("steps") if step is None else step
    wanted = ("val_loss", "ema", last, known.held_out_fingerprint, known.process)
    for score in record.scores:
        images, levels = score.card.get("fingerprint"), score.card.get("levels")
        of_score = (score.metric, score.weights, score.step, images, process_of(record.training))
        if of_score == wanted and isinstance(levels, list) and len(levels) == known.levels:
            return [float(loss) for loss in levels]
    raise ValueError(
        f"cell {record.name}: expected the EMA val_loss at {known.levels} noise levels of the linear filter's images "
        f"and process after {last} steps, got none (evaluation.val_levels={known.levels})"
    )


def _bound(values: Sequence[float]) -> Bound:
    if len(values) < 2:
        raise ValueError(f"calibration: expected at least 2 seeds, got {plural(len(values), 'seed')}")
    return Bound(mean=fmean(values), upper=upper_bound(values))
