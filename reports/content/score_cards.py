"""How a table's scores were measured: their cards in words, and how far a single score may be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.analysis import columns as cols
from reports.analysis import sampling_error
from reports.views.grid import GridView


def score_cards(grid: GridView, columns: Sequence[cols.Column]) -> list[str]:
    """A line for the shown ``columns`` that share a card: how they were measured; then a line a sampling error."""
    labels: dict[str, list[str]] = {}  # scores of one set of samples share a card but for their names
    shown = [column for column in columns if cols.shown(grid, column)]
    for column in shown:
        if cards := column.cards(grid.arms):
            labels.setdefault(_card(cards[0]), []).append(column.label)
    measured = [f"{', '.join(names)}: {card}" for card, names in labels.items()]
    return measured + [line for column in shown if (line := _sampling_error(grid, column))]


def _sampling_error(grid: GridView, column: cols.Column) -> str:
    """The smallest and largest sampling error of the column's scores; empty where none has one."""
    errors = [error for arm in grid.arms for error in sampling_error.errors(arm, column)]
    if not errors:
        return ""
    low, high = (column.described.format(end) for end in (min(errors), max(errors)))
    span = low if low == high else f"{low} to {high}"
    return (
        f"{column.label}: sampling standard error of one score {span} (block jackknife over its images; says nothing "
        "of other seeds and enters no verdict)"
    )


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
    if card.get("level_count"):
        parts.append(f"{card['level_count']} noise levels, {card.get('times', '?')} times")
    if card.get("reference"):
        parts.append(f"reference {_reference(card)}")
    if reason := _no_floor(card):
        parts.append(reason)
    return ", ".join(parts) or "no card"


def _reference(card: dict[str, Any]) -> str:
    reference = card["reference"]
    facts = reference if isinstance(reference, dict) else {"name": reference}
    name, count = facts.get("name", "?"), facts.get("count", card.get("reference_count"))
    digest = _hash(facts.get("hash", card.get("reference_hash")) or card.get("fingerprint"))
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
