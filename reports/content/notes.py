"""The lines around a table: what was asked and how, how to read it, where the paper's figures come from, failures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reports.analysis.costs import CostColumns
from reports.analysis.paper import PaperColumn
from reports.analysis.paper_agreement import TIE, Agreement
from reports.text import plural, quoted, steps
from reports.views.grid import GridView
from results.record import Record

READING = (
    "Mean ± standard deviation over seeds; n = seeds that trained to the end; the interval of the mean is each arm's "
    "own, by Student's t; MACs count one forward pass."
)
CAPTION = (  # of the curves: other figures say below themselves what their marks mean
    "Lines: mean over seeds; bands and thin lines: the seeds, lowest to highest; ×: where a cell failed; dashed: the "
    "floor that real held-out images score. Scores of the first third of the steps may lie above the frame."
)


def design(grid: GridView) -> str:
    """What a grid was asked to be: baseline, data, schedule and endpoint in one line."""
    asked = grid.manifest
    done = sum(cell.record is not None for cell in grid.cells)
    parts = [
        f"baseline {asked.baseline}",
        f"dataset {asked.dataset}",
        f"budget {asked.budget}",
        *([f"preset {asked.preset}"] if asked.preset is not None else []),
        f"primary endpoint {_endpoint(grid)}",
        f"{done} of {plural(len(grid.cells), 'cell')} on record",
    ]
    return " · ".join(parts)


def _endpoint(grid: GridView) -> str:
    if grid.metric.kind == "speed":
        return f"{grid.metric.short}, {grid.metric.detail}, up to step {steps(grid.step)}"
    return f"{grid.metric.label} of {grid.weights} weights at step {steps(grid.step)}"


def marks(grid: GridView) -> list[str]:
    """What cells are marked with: a line a mark. A mark decides nothing."""
    marked: dict[str, dict[str, list[int]]] = {}
    for arm in grid.arms:
        for cell in arm.cells:
            for mark in cell.record.marks if cell.record is not None else ():
                marked.setdefault(mark, {}).setdefault(arm.name, []).append(cell.seed)
    return [f"marked {mark} (decides nothing): {_marked(by_arm)}" for mark, by_arm in marked.items()]


def _marked(by_arm: dict[str, list[int]]) -> str:
    """``concat seed 0; 'none' seeds 0, 1``."""
    return "; ".join(
        f"{quoted(arm)} seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"
        for arm, seeds in by_arm.items()
    )


def paper_notes(paper: PaperColumn | None, agreed: Agreement | None) -> list[str]:
    """The source of the paper's column, where there is one, and how far our order of arms agrees with it."""
    return ([_source(paper)] if paper else []) + ([_agreement(agreed)] if agreed else [])


def _source(paper: PaperColumn) -> str:
    """Where the paper's figures come from, and what they are good for."""
    letters = [panel.name[-1] for panel in paper.panels]
    source = paper.panels[0].source.replace(f"({letters[0]})", f"({', '.join(letters)})", 1)
    return f"† {source}; CIFAR10, U-ViT-S/2, 500K steps, one seed: not comparable in value with ours, only in order"


def _agreement(agreed: Agreement) -> str:
    told = [sign for sign in agreed.signs.values() if sign != "paper tie"]
    ties = [quoted(arm) for arm, sign in agreed.signs.items() if sign == "paper tie"]
    tied = f"; the paper's differences under {TIE} FID are ties: {', '.join(ties)}" if ties else ""
    line = (
        f"sign of the difference from the baseline as in the paper (at step {steps(agreed.step)}): "
        f"{sum(sign == 'same' for sign in told)} of {plural(len(told), 'arm')}{tied}"
    )
    if agreed.tau is None:
        return line
    spread = "" if agreed.interval is None else f" [{agreed.interval[0]:.2f}, {agreed.interval[1]:.2f}]"
    how = f" (95% of resamples of {plural(agreed.seeds, 'seed')})" if spread else ""
    return f"{line}; Kendall's τ_b over {len(agreed.arms)} arms {agreed.tau:.2f}{spread}{how}".replace("-", "−")


def costs(columns: Iterable[CostColumns]) -> list[str]:
    """How the cost columns were measured: one line a mode."""
    return [f"{cost.mode} images/s and peak memory: {cost.how}" for cost in columns]


def failures(grid: GridView) -> list[str]:
    """The grid's failed cells: one line a cell that did not train to the end, with its reason."""
    return [
        f"{arm.name}, seed {cell.seed}: {cell.record.status} ({cell.record.error or 'no reason recorded'})"
        for arm in grid.arms
        for cell in arm.cells
        if cell.record is not None and not cell.record.survived
    ]


def loose_cells(records: list[Record]) -> list[str]:
    """Cells of no grid: one line a record that belongs to no grid."""
    return [f"{r.variant}, seed {r.seed}, budget {r.budget}: {r.status}" for r in records]


def provenance(grid: GridView) -> str:
    """Commits, versions and machines behind a grid; several where its cells differ."""
    facts = [record.provenance for arm in grid.arms for record in arm.records]
    parts = [
        ("commit", _each(_commit(f) for f in facts)),
        ("torch", _each(_version(f, "torch") for f in facts)),
        ("device", str((grid.manifest.runtime or {}).get("device") or "")),
        ("machine", _each(f.get("gpu") or f.get("cpu") for f in facts)),
        ("last record", max((str(f["utc"]) for f in facts if f.get("utc")), default="")),
    ]
    return " · ".join(f"{name} {value}" for name, value in parts if value)


def _commit(facts: dict[str, Any]) -> str | None:
    commit = facts.get("commit")
    return f"{str(commit)[:10]}{' (dirty)' if facts.get('dirty') else ''}" if commit else None


def _version(facts: dict[str, Any], name: str) -> str | None:
    versions = facts.get("versions")
    return str(versions[name]) if isinstance(versions, dict) and versions.get(name) else None


def _each(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value))
