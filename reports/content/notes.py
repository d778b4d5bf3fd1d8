"""The lines around a table: what was asked and how, why there is no verdict, score cards, failures, provenance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reports.analysis import columns as cols
from reports.analysis import sampling_error
from reports.analysis.best import remark
from reports.analysis.costs import cost_columns
from reports.analysis.paper import paper_column
from reports.analysis.paper_agreement import agreement
from reports.analysis.verdicts import GridComparison, compare
from reports.content.wording import sensitivity
from reports.text import plural, steps
from reports.views.grid import GridView
from results.metrics import describe
from results.record import Record


def design(grid: GridView) -> str:
    """Baseline, data, schedule and endpoint in one line."""
    m, e = grid.manifest, grid.endpoint
    done = sum(cell.record is not None for cell in grid.cells)
    parts = [
        f"baseline {m['baseline']}",
        f"dataset {m['dataset']}",
        f"budget {m['budget']}",
        *([f"preset {m['preset']}"] if isinstance(m.get("preset"), str) else []),
        f"primary endpoint {describe(e['metric']).label} of {e['weights']} weights at step {steps(grid.step)}",
        f"{done} of {plural(len(grid.cells), 'cell')} on record",
    ]
    return " · ".join(parts)


def verdict(grid: GridView, found: GridComparison | None = None) -> str:
    """The grid's answer, or why there is no verdict and what the figures are instead."""
    found = found or compare(grid)
    if found.why_none is None:
        return found.answer
    return f"No verdict: {found.why_none}. Differences are descriptive: arm minus baseline, paired by seed."


def evidence(grid: GridView, found: GridComparison | None = None) -> list[str]:
    """How the verdicts were reached and what could have been seen, where there is an interval at all."""
    found = found or compare(grid)
    if not found.method:
        return []
    able = sensitivity(grid, found)
    return [f"Δ: {found.method}", *([able] if able else []), *remark(grid, found), *_remarks(found)]


def _remarks(found: GridComparison) -> list[str]:
    return [f"{comparison.arm}: {comparison.note}" for comparison in found.comparisons if comparison.note]


def reading() -> str:
    """How to read a table's figures."""
    return (
        "Mean ± standard deviation over seeds; n = seeds that trained to the end; the interval of the mean is each "
        "arm's own, by Student's t; MACs count one forward pass."
    )


def caption() -> str:
    """What the marks of the curves mean; other figures say it below themselves."""
    return (
        "Lines: mean over seeds; bands and thin lines: the seeds, lowest to highest; ×: where a cell failed; dashed: "
        "the floor that real held-out images score. Scores of the first third of the steps may lie above the frame."
    )


def score_cards(grid: GridView) -> list[str]:
    """One line for the shown columns that share a card: how their numbers were measured; then their sampling error."""
    labels: dict[str, list[str]] = {}  # scores of one set of samples share a card but for their names
    for column in cols.columns(grid):
        if cols.shown(grid, column) and (cards := cols.cards(grid.arms, column)):
            labels.setdefault(_card(cards[0]), []).append(column.label)
    return [f"{', '.join(names)}: {card}" for card, names in labels.items()] + sampling_error.lines(grid)


def paper_notes(grid: GridView) -> list[str]:
    """The source of the paper's column, where there is one, and how far our order of arms agrees with it."""
    paper, agreed = paper_column(grid), agreement(grid)
    return ([paper.note] if paper else []) + ([agreed.note] if agreed else [])


def costs(grid: GridView) -> list[str]:
    """How the cost columns were measured: one line a mode."""
    return [f"{cost.mode} images/s and peak memory: {cost.how}" for cost in cost_columns(grid)]


def failures(grid: GridView) -> list[str]:
    """One line a cell that did not train to the end, with its reason."""
    return [
        f"{arm.name}, seed {cell.seed}: {cell.record.status} ({cell.record.error or 'no reason recorded'})"
        for arm in grid.arms
        for cell in arm.cells
        if cell.record is not None and not cell.record.survived
    ]


def loose_cells(records: list[Record]) -> list[str]:
    """One line a record that belongs to no grid."""
    return [f"{r.variant}, seed {r.seed}, budget {r.budget}: {r.status}" for r in records]


def provenance(grid: GridView) -> str:
    """Commits, versions and machines behind a grid; several where its cells differ."""
    facts = [record.provenance for arm in grid.arms for record in arm.records]
    runtime = grid.manifest.get("runtime")
    device = runtime.get("device") if isinstance(runtime, dict) else None
    parts = [
        ("commit", _each(_commit(f) for f in facts)),
        ("torch", _each(_version(f, "torch") for f in facts)),
        ("device", str(device or "")),
        ("machine", _each(f.get("gpu") or f.get("cpu") for f in facts)),
        ("last record", max((str(f["utc"]) for f in facts if f.get("utc")), default="")),
    ]
    return " · ".join(f"{name} {value}" for name, value in parts if value)


def _commit(facts: dict[str, Any]) -> str | None:
    commit = facts.get("commit")
    return f"{str(commit)[:10]}{' (dirty)' if facts.get('dirty') else ''}" if commit else None


def _version(facts: dict[str, Any], name: str) -> str | None:
    found = facts.get("versions")
    return str(found[name]) if isinstance(found, dict) and found.get(name) else None


def _each(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value))


def _card(card: dict[str, Any]) -> str:
    """A card as words: the fields of rule 5, hashes cut to eight digits."""
    parts = []
    if card.get("count") is not None:
        parts.append(f"{_number(card['count'])} samples")
    if card.get("sampler"):
        parts.append(f"{card['sampler']} {card.get('nfe', '?')} NFE, guidance {card.get('guidance', '?')}")
    if card.get("labels"):
        parts.append(f"labels {card['labels']}")
    if card.get("extractor"):
        parts.append(f"{card['extractor']} {_hash(card.get('weights_sha256'))}".rstrip())
    if card.get("resize"):
        parts.append(f"resize {card['resize']}")
    if card.get("images_per_bin"):
        parts.append(f"{card['images_per_bin']} held-out images in each of {card.get('bins', '?')} noise-level bins")
    if card.get("reference"):
        parts.append(f"reference {_reference(card)}")
    if reason := _no_floor(card):
        parts.append(reason)
    return ", ".join(parts) or "no card"


def _reference(card: dict[str, Any]) -> str:
    reference = card["reference"]
    found = reference if isinstance(reference, dict) else {"name": reference}
    name, count = found.get("name", "?"), found.get("count", card.get("reference_count"))
    digest = _hash(found.get("hash", card.get("reference_hash")) or card.get("fingerprint"))
    details = ", ".join(part for part in (f"{_number(count)} images" if count else "", digest) if part)
    return f"{name} ({details})" if details else str(name)


def _no_floor(card: dict[str, Any]) -> str:
    """Why the table's floor is n/a; nothing where there is one, or where none belongs."""
    if "floor" not in card:
        return ""
    floor = card["floor"]
    value, reason = (floor.get("value"), floor.get("reason")) if isinstance(floor, dict) else (floor, None)
    reason = reason or card.get("floor_reason") or card.get("floor_note") or "not measured"
    reason = str(reason).removeprefix("n/a: ")
    return f"floor n/a ({reason})" if value is None else ""


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _hash(value: Any) -> str:
    return f"sha256 {str(value)[:8]}" if value else ""
