"""Samples from the same noise: the arms of a grid below each other (the paper's Figure 6), and one arm over steps.

They are made of contact sheets beside the records; without those there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.pictures.strips import Strip, picture
from reports.text import plain, steps
from reports.views.grid import ArmView, GridView
from results.contact_sheets import COLUMNS, Sheet, open_sheet, sheets, tiles
from results.metrics import describe
from results.record import Record

FEW_ARMS = 6  # up to which an arm has two rows
MOST_STEPS = 8
_LABEL = 22  # letters


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesPicture:
    """A PNG, and lines that say what it shows."""

    png: bytes
    lines: tuple[str, ...]


def arms_picture(grid: GridView, folders: Sequence[Path]) -> SamplesPicture | None:
    """Samples of every arm that has some, all drawn alike from the noise of one seed; None for fewer than two arms."""
    alike = _alike(grid, folders)
    if len(alike) < 2:
        return None
    seed, first = alike[0][1], alike[0][2]
    rows = 2 if len(alike) <= FEW_ARMS else 1
    strips = [strip for arm, _, sheet in alike if (strip := _strip(plain(arm.name, limit=_LABEL), arm, sheet, rows))]
    if len(strips) < 2:
        return None
    missing = [arm.name for arm in grid.arms if arm.name not in [one.name for one, _, _ in alike]]
    lines = [f"samples of the arms at step {steps(first.step)}, {_how(first)}, seed {seed}: one column, one noise"]
    lines += [f"without such samples: {', '.join(plain(name, limit=60) for name in missing)}"] if missing else []
    return SamplesPicture(png=picture(strips), lines=tuple(lines))


def steps_picture(grid: GridView, folders: Sequence[Path]) -> SamplesPicture | None:
    """Samples of one arm from the same noise over its training: the baseline, else the first with two steps."""
    for arm in sorted(grid.arms, key=lambda each: not each.is_baseline):
        for cell in sorted(arm.cells, key=lambda each: each.seed):
            series = _series(sheets(folders, cell.train_id), grid.weights)
            strips = [s for sheet in series if (s := _strip(f"step {steps(sheet.step)}", arm, sheet, 1))]
            if len(strips) > 1:
                line = f"samples of {plain(arm.name)} over training, {_how(series[0])}, seed {cell.seed}"
                return SamplesPicture(png=picture(strips), lines=(f"{line}: one column, one noise",))
    return None


def _alike(grid: GridView, folders: Sequence[Path]) -> list[tuple[ArmView, int, Sheet]]:
    """(Arm, seed, sheet) of one seed, step, weights and sampler: those that most arms have, then the latest step."""
    groups: dict[tuple[int, int, str, str], list[tuple[ArmView, int, Sheet]]] = {}
    for arm in grid.arms:
        for cell in arm.cells:
            for sheet in sheets(folders, cell.train_id):
                key = (cell.seed, sheet.step, *sheet.how)
                members = groups.setdefault(key, [])
                if arm.name not in [one.name for one, _, _ in members]:
                    members.append((arm, cell.seed, sheet))
    own = {f"{sampler}{nfe}" for sampler, nfe in grid.draws("draws")}  # apart from a sweep's

    def rank(group: list[tuple[ArmView, int, Sheet]]) -> tuple[int, ...]:
        _, seed, sheet = group[0]
        return (len(group), sheet.step, sheet.sampler in own, sheet.weights == grid.weights, -seed)

    return max(groups.values(), key=rank, default=[])


def _series(of_cell: Sequence[Sheet], weights: str) -> list[Sheet]:
    """The sheets of one weights and sampler with the most steps; of many the first, the last and some between."""
    groups: dict[tuple[str, str], list[Sheet]] = {}
    for sheet in of_cell:
        groups.setdefault(sheet.how, []).append(sheet)
    series = max(groups.values(), key=lambda group: (len(group), group[0].weights == weights), default=[])
    if len(series) <= MOST_STEPS:
        return series
    places = {round(i * (len(series) - 1) / (MOST_STEPS - 1)) for i in range(MOST_STEPS)}
    return [series[i] for i in sorted(places)]


def _strip(label: str, arm: ArmView, sheet: Sheet, rows: int) -> Strip | None:
    image = open_sheet(sheet.path)
    if image is None:
        return None
    images = tiles(image, rows * COLUMNS)
    if not images:
        return None
    lines = [images[first : first + COLUMNS] for first in range(0, len(images), COLUMNS)]
    return Strip(label=label, notes=_score(arm.records, sheet), rows=lines)


def _score(records: Iterable[Record], sheet: Sheet) -> tuple[str, ...]:
    """The Fréchet distance of the samples that a sheet shows the first of, where their record is there."""
    for record in records:
        if record.train_id != sheet.path.parent.name:
            continue
        for score in record.scores:
            metric = describe(score.metric)
            drawn = f"{score.card.get('sampler')}{score.card.get('nfe')}"
            alike = (score.step, score.weights, drawn) == (sheet.step, sheet.weights, sheet.sampler)
            if alike and metric.kind == "frechet" and score.value is not None:
                return (f"{metric.short} {metric.format(score.value)}",)
    return ()


def _how(sheet: Sheet) -> str:
    return f"{'EMA' if sheet.weights == 'ema' else sheet.weights} weights, {sheet.sampler}"
