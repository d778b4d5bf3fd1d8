"""Score against network evaluations, sampler by sampler, with the paper's Table 3 beside it."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.summary import summarise
from reports.analysis.sweeps import Sweep, SweepLine
from reports.content.arm_table import show
from reports.content.table import Table
from reports.views.asked import Draw
from reports.views.grid import GridView
from results.paper.steps import TABLE, table3


def sampler_tables(grid: GridView, sweeps: Sequence[Sweep]) -> list[Table]:
    """A table a Fréchet distance of the grid's ``sweeps``; the CSV has the other metrics too."""
    return [sampler_table(grid, sweep) for sweep in sweeps if sweep.metric.kind == "frechet"]


def sampler_table(grid: GridView, sweep: Sweep) -> Table:
    """A row a sampler (and arm, where there are several), a column a number of evaluations, then the paper's rows."""
    paper = table3() if sweep.metric.kind == "frechet" else ()
    evaluations = sorted({*sweep.evaluations, *(nfe for row in paper for nfe in row.values)})
    rows = [
        (name(grid, line), *(show(sweep.metric, summarise(line.values.get(nfe, {}).values())) for nfe in evaluations))
        for line in sweep.lines
    ]
    for row in paper:
        texts = (f"{row.values[nfe]:.2f}" if nfe in row.values else "" for nfe in evaluations)
        rows.append((f"paper †: {row.model}, {row.sampler}", *texts))
    arrow = " ".join((*sweep.metric.heading, f"({sweep.weights})"))
    headings = (f"{arrow}\nby network evaluations", *(f"{nfe:,}" for nfe in evaluations))
    return Table(headings=headings, blocks=(0,) * len(headings), rows=tuple(rows), floor=None, baseline=-1)


def name(grid: GridView, line: SweepLine) -> str:
    """The sampler, with its arm where the grid has several."""
    return line.sampler if len(grid.arms) == 1 else f"{line.arm}, {line.sampler}"


def sampler_remarks(grid: GridView, sweeps: Sequence[Sweep]) -> list[str]:
    """How to read the tables: the floor, where the paper's figures come from, and what was not scored."""
    tabled = [sweep for sweep in sweeps if sweep.metric.kind == "frechet"]
    if not tabled:
        return []
    lines = [
        f"after step {tabled[0].step:,}, the same weights and initial noise in every row; real held-out images score "
        + ", ".join(f"{s.metric.format(s.floor)} ({s.metric.label})" if s.floor is not None else "n/a" for s in tabled),
        f"† the paper's {TABLE.replace('T', 'Table ')}: FID-50K on ImageNet 256 through an autoencoder, DPM-Solver; "
        "other data, network and count: not comparable in value with ours, only in the shape along a row",
    ]
    if left_out := sorted(grid.draws("left_out")):
        lines.append(f"not scored under budget {grid.manifest.budget}: {_list(left_out)} (evaluation.sweep_max_nfe)")
    return lines


def _list(draws: Sequence[Draw]) -> str:
    return ", ".join(f"{sampler}:{nfe}" for sampler, nfe in draws)
