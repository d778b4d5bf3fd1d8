"""The arm table of a grid, in no format: every arm's scores, verdict and cost as texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reports.analysis import columns as cols
from reports.analysis.best import best
from reports.analysis.costs import CostColumns, peak_bytes
from reports.analysis.grid_analysis import GridAnalysis
from reports.analysis.paper_agreement import Agreement
from reports.analysis.summary import SeedSummary, interval95, paired_difference, summarise
from reports.analysis.verdicts import Comparison, GridComparison
from reports.content.table import Table
from reports.content.units import rate, size
from reports.content.wording import interval_text
from reports.views.grid import ArmView, GridView
from results.metrics import Metric, si
from results.record import STATUSES

_FLOOR_KINDS = ("frechet", "kernel", "precision", "recall")  # scores of samples, which real images can be given too


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """What the arm table of one grid is made of."""

    analysis: GridAnalysis
    primary: list[cols.Column]  # readings of the endpoint
    others: list[cols.Column]

    @property
    def grid(self) -> GridView:
        return self.analysis.grid

    @property
    def comparison(self) -> GridComparison:
        return self.analysis.comparison

    def has_spread(self, column: cols.Column) -> bool:
        """Whether any arm has the two seeds that an interval takes."""
        return any(len(column.values(arm)) > 1 for arm in self.grid.arms)


def arm_table(analysis: GridAnalysis) -> Table:
    """Arms x (endpoint, n, intervals, Δ and verdict where there are any, other scores, size, status)."""
    grid = analysis.grid
    shown = [c for c in analysis.columns if cols.shown(grid, c)]
    layout = _Layout(
        analysis=analysis,
        primary=_primary(analysis, shown),
        others=[c for c in shown if not cols.is_endpoint(grid, c)],
    )
    first, second = _headings(layout)
    headings = (*first, *second)
    return Table(
        headings=headings,
        blocks=(0,) * len(first) + (1,) * len(second),
        rows=tuple(_row(layout, arm) for arm in grid.arms),
        floor=_floor_row(layout, len(headings)),
        baseline=next(i for i, arm in enumerate(grid.arms) if arm.is_baseline),
        bold=_bold(layout, headings),
    )


def _primary(analysis: GridAnalysis, shown: Sequence[cols.Column]) -> list[cols.Column]:
    """The readings of the endpoint; of speed, which stands in no record, the one that was made."""
    endpoint = analysis.comparison.endpoint
    if endpoint is not None and endpoint.computed:
        return [endpoint]
    return [column for column in shown if cols.is_endpoint(analysis.grid, column)]


def _headings(layout: _Layout) -> tuple[list[str], list[str]]:
    """The headings of the table's two blocks."""
    first, analysis = ["arm"], layout.analysis
    for column in layout.primary:
        first += _primary_headings(layout, column)
    second = [heading for cost in analysis.costs for heading in _cost_headings(cost)]
    second += [column.heading for column in layout.others]
    second += ["\n".join(["paper †", *analysis.paper.metric.heading])] if analysis.paper else []
    second += ["sign vs\npaper"] if analysis.agreement else []
    return [*first, "params", "MACs", "status"], second


def _row(layout: _Layout, arm: ArmView) -> tuple[str, ...]:
    row, grid, paper = [arm.name], layout.grid, layout.analysis.paper
    for column in layout.primary:
        row += _primary_texts(layout, arm, column)
    row += [_network_size(grid, arm, "params"), _network_size(grid, arm, "macs"), status(arm)]
    row += [text for cost in layout.analysis.costs for text in _cost_texts(cost, arm)]
    row += [show(column.described, summarise(column.values(arm).values())) for column in layout.others]
    row += [paper.metric.format(paper.value(arm))] if paper else []
    row += [_sign(layout.analysis.agreement, arm)] if layout.analysis.agreement else []
    return tuple(row)


def _sign(agreed: Agreement, arm: ArmView) -> str:
    return "" if arm.is_baseline else agreed.signs.get(arm.name, "–")


def _bold(layout: _Layout, headings: tuple[str, ...]) -> frozenset[tuple[int, int]]:
    """The best arm's score in the column that was judged."""
    name, endpoint = best(layout.grid, layout.comparison), layout.comparison.endpoint
    if endpoint is None or name is None:
        return frozenset()
    row = next(i for i, arm in enumerate(layout.grid.arms) if arm.name == name)
    return frozenset({(row, headings.index(endpoint.heading))})


def _primary_headings(layout: _Layout, column: cols.Column) -> list[str]:
    if column.computed:
        return _ratio_headings(layout, column)
    headings = [column.heading, "n", *(["95% interval\nof the mean"] if layout.has_spread(column) else [])]
    headings.append(f"Δ vs\n{_against(layout.grid)}")
    headings += ["95% interval\n(simultaneous)"] if layout.comparison.measures(column) else []
    return headings + (["verdict"] if layout.comparison.judges(column) else [])


def _primary_texts(layout: _Layout, arm: ArmView, column: cols.Column) -> list[str]:
    """What stands under `_primary_headings`."""
    if column.computed:
        return _ratio_texts(layout, arm, column)
    values = column.values(arm).values()
    summary = summarise(values)
    texts = [show(column.described, summary), str(summary.n) if summary else "0"]
    texts += [_span(column.described, interval95(values))] if layout.has_spread(column) else []
    texts.append(_delta(layout.grid, arm, column))
    found = layout.comparison.of(arm)
    if layout.comparison.measures(column):
        texts.append("" if found is None else _span(column.described, found.interval, signed=True))
    return texts + ([_word(found)] if layout.comparison.judges(column) else [])


def _ratio_headings(layout: _Layout, column: cols.Column) -> list[str]:
    headings = [column.heading, "n", "95% interval\n(simultaneous)", "late R\n(no verdict)"]
    headings += ["verdict"] if layout.comparison.judges(column) else []
    skill = layout.comparison.secondary
    if skill is not None and skill.endpoint is not None:
        headings += [skill.endpoint.heading, f"skill vs\n{_against(layout.grid)}", "finding\n(secondary)"]
    return headings


def _ratio_texts(layout: _Layout, arm: ArmView, column: cols.Column) -> list[str]:
    """What stands under `_ratio_headings`: geometric means, since values are logarithms."""
    metric, compared = column.described, layout.comparison
    found = compared.of(arm)
    if found is None:
        texts = ["1 (baseline)", str(len(column.values(arm))), "", ""]
    else:
        bound = f" ({found.bounds} bound)" if found.bounds else ""
        texts = [f"{metric.format(found.difference)}{bound}", str(found.n_pairs)]
        texts += [_span(metric, found.interval), metric.format(found.late)]
    texts += [_word(found)] if compared.judges(column) else []
    skill = compared.secondary
    if skill is not None and skill.endpoint is not None:
        beside, own = skill.endpoint.described, summarise(skill.endpoint.values(arm).values())
        against = skill.of(arm)
        texts.append(beside.format(own.mean if own else None))
        texts.append(
            "baseline" if against is None else f"{beside.format(against.difference)}{_bracket(beside, against)}"
        )
        texts.append("" if against is None else against.verdict or "–")
    return texts


def _bracket(metric: Metric, comparison: Comparison) -> str:
    text = interval_text(metric, comparison)
    return f" {text}" if text else ""


def _against(grid: GridView) -> str:
    return grid.baseline.name if len(grid.blocks) == 1 else f"block's {grid.manifest.baseline}"


def _word(comparison: Comparison | None) -> str:
    return "" if comparison is None else comparison.verdict or "–"


def _span(metric: Metric, interval: tuple[float, float] | None, *, signed: bool = False) -> str:
    if interval is None:
        return "–"
    low, high = (metric.format(end, signed=signed) for end in interval)
    return f"{low} to {high}"


def _cost_headings(cost: CostColumns) -> tuple[str, str]:
    return f"{cost.mode}\nimages/s ↑", f"{cost.mode}\npeak memory ↓"


def _cost_texts(cost: CostColumns, arm: ArmView) -> tuple[str, str]:
    """What stands under `_cost_headings`."""
    record = cost.by_arm.get(arm.name)
    return (rate(record.timing["imgs_per_s"]), size(peak_bytes(record))) if record else ("–", "–")


def _floor_row(layout: _Layout, width: int) -> tuple[str, ...] | None:
    """The floor stands under each sample score, ``n/a`` where too few images are held out."""
    if not any(c.described.kind in _FLOOR_KINDS for c in layout.primary + layout.others):
        return None
    row = ["floor: real images"]
    for column in layout.primary:
        row += [_floor(layout.grid, column), *[""] * (len(_primary_headings(layout, column)) - 1)]
    row += ["", "", "", *[""] * (2 * len(layout.analysis.costs))]
    row += [_floor(layout.grid, column) for column in layout.others]
    return tuple(row + [""] * (width - len(row)))


def _floor(grid: GridView, column: cols.Column) -> str:
    if column.described.kind in ("loss", "bin", "other"):
        return ""
    floor = column.floor(grid.arms)
    return "n/a" if floor is None else column.described.format(floor)


def show(metric: Metric, summary: SeedSummary | None, *, signed: bool = False) -> str:
    """A score over seeds: ``mean ± std``, without a spread for one seed."""
    if summary is None:
        return "–"
    text = metric.format(summary.mean, signed=signed)
    return text if summary.std is None else f"{text} ± {metric.format(summary.std)}"


def difference(grid: GridView, arm: ArmView, column: cols.Column) -> SeedSummary | None:
    """The arm against its baseline in ``column``, paired by seed; None for a baseline itself."""
    return None if arm.is_baseline else paired_difference(column.values(arm), column.values(grid.baseline_of(arm)))


def _delta(grid: GridView, arm: ArmView, column: cols.Column) -> str:
    if arm.is_baseline:
        return "baseline"
    summary = difference(grid, arm, column)
    text = show(column.described, summary, signed=True)
    # fewer pairs than seeds: say so, for the difference is then not that of the two means
    short = summary is not None and summary.n < max(len(column.values(a)) for a in (arm, grid.baseline_of(arm)))
    return f"{text} ({summary.n} paired)" if summary is not None and short else text


def _network_size(grid: GridView, arm: ArmView, name: Literal["params", "macs"]) -> str:
    value, base = arm.network_size(name), grid.baseline_of(arm).network_size(name)
    if value is None:
        return "–"
    largest = max(each for a in grid.arms if (each := a.network_size(name)) is not None)
    text = si(value, like=largest)
    if arm.is_baseline or not base:
        return text
    if value == base:
        return f"{text} (=)"
    return f"{text} ({100 * (value - base) / base:+.1f}%)".replace("-", "−")


def status(arm: ArmView) -> str:
    """How the arm's cells ended: ``2/2 ok``, ``1/2 ok, 1/2 diverged``; a cell without a record is pending."""
    total = len(arm.cells)
    parts = [f"{arm.count('ok')}/{total} ok"] if arm.count("ok") else []
    parts += [f"{n}/{total} {name}" for name in STATUSES[1:] if (n := arm.count(name))]
    if pending := sum(cell.record is None for cell in arm.cells):
        parts.append(f"{pending}/{total} pending")
    return ", ".join(parts) or "no cells"
