"""A calibration in words and one table, as ``uvit calibrate`` prints it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from reports.text import plain, plural
from results.calibration import Bound, CalibrationRecord, Level
from results.manifest import LOOKS

MEANING: dict[Level, str] = {
    "A": "the baseline beats the linear filter in every bin of noise: verdicts on speed and on skill",
    "B": "the baseline beats the linear filter over all noise levels, each counting alike: verdicts on speed and skill",
    "C": "the baseline beats the linear filter in the mean loss alone: verdicts on speed are of early training, and "
    "skill has none",
    "none": "the baseline is not shown to beat the linear filter even in the mean loss: no verdict",
}
ENDS = {1: " (cleanest)", 5: " (noisiest)"}
_LEVELS_A_LINE = 10


def calibration_lines(record: CalibrationRecord) -> list[str]:
    """What a person reads: level, skill by bin with its bounds, spreads, margins and the seeds that verdicts take."""
    return [*_head(record), "", *_skill(record), "", *_spreads(record), "", *plan_lines(record)]


def _head(record: CalibrationRecord) -> Iterator[str]:
    seeds, steps = record.seeds, record.training.get("steps")
    told = f"{seeds[0]} to {seeds[-1]}" if seeds == list(range(seeds[0], seeds[-1] + 1)) else ", ".join(map(str, seeds))
    yield (
        f"budget {plain(record.budget)}, {plain(record.variant)} on {plain(str(record.dataset.get('name', '?')))}, "
        f"{steps} steps, {plural(len(seeds), 'calibration seed')} ({told})"
    )
    yield f"validity level {record.level}: {MEANING[record.level]}"


def _skill(record: CalibrationRecord) -> Iterator[str]:
    yield f"{'EMA loss / linear filter':<34}{'mean':>8}{'95% upper bound':>18}"
    for number, bound in enumerate(record.bins, start=1):
        yield _row(f"bin {number}{ENDS.get(number, '')}", bound)
    yield _row("geometric mean of all levels", record.geometric)
    yield _row("mean loss", record.arithmetic)
    yield "by noise level, cleanest first:"
    ratios = [f"{math.exp(log):.2f}" for log in record.log_skill]
    for first in range(0, len(ratios), _LEVELS_A_LINE):
        yield "  " + "  ".join(ratios[first : first + _LEVELS_A_LINE])


def _spreads(record: CalibrationRecord) -> Iterator[str]:
    yield f"spread over seeds, grid {plain(record.grid)} (standard deviations)"
    yield f"{'log R of an arm':<34}{_number(record.speed_sd):>8}"
    yield f"{'log skill of an arm − baseline':<34}{_number(record.skill_sd):>8}"
    yield f"{'log R of one training, repeated':<34}{_number(record.repeat_sd):>8}   (every cell above contains it)"


def plan_lines(record: CalibrationRecord) -> Iterator[str]:
    """The margins, and the seeds that verdicts take."""
    yield (
        f"margins: R within {record.speed_margin:.2f}; log skill within {_number(record.skill_margin)}, what "
        f"{record.speed_margin:.2f} times the steps change of the baseline's"
    )
    if not record.seeds_for_power:
        yield "seeds for 80% power: unknown, for no challenger has an R"
        return
    needed = [f"{name}: {_seeds(count)}" for name, count in record.seeds_for_power.items()]
    yield f"seeds for 80% power in one look: {'; '.join(needed)} (looks end at {LOOKS[-1]})"


def _row(name: str, bound: Bound) -> str:
    verdict = "below 1" if bound.upper < 0 else "not below 1"
    return f"{name:<34}{math.exp(bound.mean):>8.3f}{math.exp(bound.upper):>18.3f}   {verdict}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _seeds(count: int | None) -> str:
    return "over 1,000" if count is None else str(count)
