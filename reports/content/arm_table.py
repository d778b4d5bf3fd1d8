"""The arm table of a grid: one structure of texts and numbers, written as Markdown, CSV, JSON and for a terminal."""

from __future__ import annotations

from typing import Any

from reports.analysis import columns as cols
from reports.analysis.best import best
from reports.analysis.costs import CostColumns, cost_columns, peak_bytes
from reports.analysis.paper import PaperColumn, paper_column
from reports.analysis.paper_agreement import Agreement, agreement
from reports.analysis.sampling_error import typical
from reports.analysis.summary import Summary, interval95, paired_difference, summarise
from reports.analysis.verdicts import Comparison, GridComparison, compare
from reports.content.table import Table
from reports.views.grid import ArmView, GridView
from results.metrics import Metric, si
from results.record import STATUSES


def arm_table(grid: GridView) -> Table:
    """Arms x (endpoint, n, intervals, Δ and verdict where there are any, other scores, size, status)."""
    judged = _judged(grid)
    every = [c for c in cols.columns(grid) if cols.shown(grid, c)]
    primary = [c for c in every if cols.is_endpoint(grid, c)]
    others = [c for c in every if not cols.is_endpoint(grid, c)]
    costs, paper = cost_columns(grid), paper_column(grid)
    headings: list[str] = ["arm"]
    for column in primary:
        headings += _primary_headings(grid, column, judged)
    headings += ["params", "MACs", "status"]
    blocks = [0] * len(headings)
    headings += [heading for cost in costs for heading in cost.headings]
    headings += [column.heading for column in others] + ([paper.heading] if paper else [])
    agreed = agreement(grid)
    headings += ["sign vs\npaper"] if agreed else []
    blocks += [1] * (len(headings) - len(blocks))
    rows = [_row(grid, arm, primary, judged, costs, others, paper) for arm in grid.arms]
    if agreed:
        rows = [(*row, _sign(agreed, arm)) for row, arm in zip(rows, grid.arms, strict=True)]
    baseline = next(i for i, arm in enumerate(grid.arms) if arm.is_baseline)
    floor = _floor_row(grid, primary, judged, costs, others, len(headings))
    return Table(
        headings=tuple(headings), blocks=tuple(blocks), rows=tuple(rows), floor=floor, baseline=baseline,
        bold=_bold(grid, judged, headings),
    )  # fmt: skip


def _bold(grid: GridView, judged: GridComparison | None, headings: list[str]) -> frozenset[tuple[int, int]]:
    """The best arm's score in the column that was judged."""
    if judged is None or judged.endpoint is None or (name := best(grid, judged)) is None:
        return frozenset()
    row = next(i for i, arm in enumerate(grid.arms) if arm.name == name)
    return frozenset({(row, headings.index(judged.endpoint.heading))})


def _row(
    grid: GridView,
    arm: ArmView,
    primary: list[cols.Column],
    judged: GridComparison | None,
    costs: list[CostColumns],
    others: list[cols.Column],
    paper: PaperColumn | None,
) -> tuple[str, ...]:
    row = [arm.name]
    for column in primary:
        row += _primary_texts(grid, arm, column, judged)
    row += [_cost(grid, arm, "params"), _cost(grid, arm, "macs"), status(arm)]
    row += [text for cost in costs for text in cost.texts(arm)]
    row += [show(column.described, summarise(cols.values(arm, column).values())) for column in others]
    return (*row, *([paper.text(arm)] if paper else []))


def _sign(agreed: Agreement, arm: ArmView) -> str:
    return "" if arm.is_baseline else agreed.signs.get(arm.name, "–")


def _primary_headings(grid: GridView, column: cols.Column, judged: GridComparison | None) -> list[str]:
    headings = [column.heading, "n", *(["95% interval\nof the mean"] if _has_spread(grid, column) else [])]
    headings.append(f"Δ vs\n{grid.baseline.name}")
    return headings + (["95% interval\n(simultaneous)", "verdict"] if _is_judged(judged, column) else [])


def _primary_texts(grid: GridView, arm: ArmView, column: cols.Column, judged: GridComparison | None) -> list[str]:
    """What stands under `_primary_headings`."""
    values = cols.values(arm, column).values()
    summary = summarise(values)
    texts = [show(column.described, summary), str(summary.n) if summary else "0"]
    texts += [_span(column.described, interval95(values))] if _has_spread(grid, column) else []
    texts.append(_delta(grid, arm, column))
    if judged is not None and _is_judged(judged, column):
        texts += _verdict_texts(column, judged.of(arm))
    return texts


def _has_spread(grid: GridView, column: cols.Column) -> bool:
    """Whether any arm has the two seeds that an interval takes."""
    return any(len(cols.values(arm, column)) > 1 for arm in grid.arms)


def _span(metric: Metric, interval: tuple[float, float] | None, *, signed: bool = False) -> str:
    if interval is None:
        return "–"
    low, high = (metric.format(end, signed=signed) for end in interval)
    return f"{low} to {high}"


def _judged(grid: GridView) -> GridComparison | None:
    """The grid's verdicts; None where there are none."""
    found = compare(grid)
    return found if found.why_none is None else None


def _is_judged(judged: GridComparison | None, column: cols.Column) -> bool:
    return judged is not None and judged.endpoint is not None and judged.endpoint.key() == column.key()


def _verdict_texts(column: cols.Column, found: Comparison | None) -> list[str]:
    """Interval and verdict of an arm; empty for the baseline."""
    if found is None:
        return ["", ""]
    return [_span(column.described, found.interval, signed=True), found.verdict or "–"]


def _floor_row(
    grid: GridView,
    primary: list[cols.Column],
    judged: GridComparison | None,
    costs: list[CostColumns],
    others: list[cols.Column],
    width: int,
) -> tuple[str, ...] | None:
    """The floor stands under each sample score, ``n/a`` where too few images are held out."""
    if not any(c.described.kind in ("frechet", "kernel", "precision", "recall") for c in primary + others):
        return None
    row = ["floor: real images"]
    for column in primary:
        row += [_floor(grid, column), *[""] * (len(_primary_headings(grid, column, judged)) - 1)]
    row += ["", "", "", *[""] * (2 * len(costs)), *(_floor(grid, column) for column in others)]
    return tuple(row + [""] * (width - len(row)))


def _floor(grid: GridView, column: cols.Column) -> str:
    if column.described.kind in ("loss", "bin", "other"):
        return ""
    floor = cols.floor(grid.arms, column)
    return "n/a" if floor is None else column.described.format(floor)


def show(metric: Metric, summary: Summary | None, *, signed: bool = False) -> str:
    """``mean ± std``, without a spread for one seed."""
    if summary is None:
        return "–"
    text = metric.format(summary.mean, signed=signed)
    return text if summary.std is None else f"{text} ± {metric.format(summary.std)}"


def difference(grid: GridView, arm: ArmView, column: cols.Column) -> Summary | None:
    """The arm against the baseline in ``column``, paired by seed; None for the baseline itself."""
    return None if arm.is_baseline else paired_difference(cols.values(arm, column), cols.values(grid.baseline, column))


def _delta(grid: GridView, arm: ArmView, column: cols.Column) -> str:
    if arm.is_baseline:
        return "baseline"
    summary = difference(grid, arm, column)
    text = show(column.described, summary, signed=True)
    # fewer pairs than seeds: say so, for the difference is then not that of the two means
    short = summary is not None and summary.n < max(len(cols.values(a, column)) for a in (arm, grid.baseline))
    return f"{text} ({summary.n} paired)" if summary is not None and short else text


def size(arm: ArmView, name: str) -> int | None:
    """``params`` or ``macs`` of an arm; None before its first record."""
    return next((int(getattr(record, name)) for record in arm.records), None)


def _cost(grid: GridView, arm: ArmView, name: str) -> str:
    value, base = size(arm, name), size(grid.baseline, name)
    if value is None:
        return "–"
    largest = max(s for a in grid.arms if (s := size(a, name)) is not None)
    text = si(value, like=largest)
    if arm.is_baseline or not base:
        return text
    if value == base:
        return f"{text} (=)"
    return f"{text} ({100 * (value - base) / base:+.1f}%)".replace("-", "−")


def status(arm: ArmView) -> str:
    """``2/2 ok``, ``1/2 ok, 1 diverged``; a cell without a record is pending."""
    total = len(arm.cells)
    parts = [f"{arm.count('ok')}/{total} ok"] if arm.count("ok") else []
    parts += [f"{n}/{total} {name}" for name in STATUSES[1:] if (n := arm.count(name))]
    if pending := sum(cell.record is None for cell in arm.cells):
        parts.append(f"{pending}/{total} pending")
    return ", ".join(parts) or "no cells"


def figures(grid: GridView) -> list[dict[str, Any]]:
    """All columns of all arms as numbers, a dictionary an arm: what the CSV file and ``--json`` hold."""
    every, judged = cols.columns(grid), _judged(grid)
    paper = paper_column(grid)
    errors = {column.csv: {arm.name: typical(arm, column) for arm in grid.arms} for column in every}
    rows = [_figures(grid, arm, every, judged, paper, errors) for arm in grid.arms]
    if agreed := agreement(grid):
        rows = [row | {"paper sign": agreed.signs.get(row["arm"])} for row in rows]
    return rows


def _verdict_numbers(column: cols.Column, found: Comparison | None) -> dict[str, Any]:
    """One arm's inference, in the metric's own unit; all None for the baseline."""
    name = f"delta {column.csv}"
    low, high = (found.interval if found else None) or (None, None)
    return {
        f"{name} low": low,
        f"{name} high": high,
        f"{name} p": found.p if found else None,
        f"{name} p_holm": found.p_holm if found else None,
        f"{name} effect_size": found.effect_size if found else None,
        f"{name} mde": found.mde if found else None,
        "verdict": found.verdict if found else None,
        "seeds_needed": found.seeds_needed if found else None,
    }


def _figures(
    grid: GridView,
    arm: ArmView,
    every: list[cols.Column],
    judged: GridComparison | None,
    paper: PaperColumn | None,
    errors: dict[str, dict[str, float | None]],
) -> dict[str, Any]:
    statuses = {f"n_{name}": arm.count(name) for name in STATUSES}
    pending = sum(cell.record is None for cell in arm.cells)
    row: dict[str, Any] = {"arm": arm.name, "variant": arm.variant, "baseline": arm.is_baseline}
    row |= {"n_cells": len(arm.cells), **statuses, "n_pending": pending}
    for name in ("params", "macs"):
        value, base = size(arm, name), size(grid.baseline, name)
        row |= {name: value, f"delta_{name}": None if value is None or base is None else value - base}
    for column in every:
        values = cols.values(arm, column).values()
        low, high = interval95(values) or (None, None)
        row |= _numbers(column.csv, summarise(values)) | {f"{column.csv} low": low, f"{column.csv} high": high}
        if any(errors[column.csv].values()):
            row[f"{column.csv} sampling_se"] = errors[column.csv][arm.name]
        if cols.is_endpoint(grid, column):
            row |= _numbers(f"delta {column.csv}", difference(grid, arm, column))
        if judged is not None and _is_judged(judged, column):
            row |= _verdict_numbers(column, judged.of(arm))
    for cost in cost_columns(grid):
        record = cost.by_arm.get(arm.name)
        row[f"imgs_per_s {cost.mode}"] = record.timing["imgs_per_s"] if record else None
        row[f"peak_mem_bytes {cost.mode}"] = peak_bytes(record) if record else None
    if paper:
        row[paper.csv] = paper.value(arm)
    return row


def _numbers(name: str, summary: Summary | None) -> dict[str, float | int | None]:
    if summary is None:
        return {f"{name} mean": None, f"{name} std": None, f"{name} n": 0}
    return {f"{name} mean": summary.mean, f"{name} std": summary.std, f"{name} n": summary.n}
