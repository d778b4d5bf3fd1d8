"""The score card behind every number of an arm table: seed by seed, how it was measured and by which run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.analysis import columns as cols
from reports.analysis.summary import summarise
from reports.content.arm_table import show
from reports.text import plain, steps
from reports.views.grid import ArmView, CellView, GridView
from results.metrics import si
from results.record import Record, Score

Facts = tuple[tuple[str, str], ...]

_WORDS = {
    "count": "samples",
    "sampler": "sampler",
    "nfe": "network evaluations",
    "guidance": "guidance (1 = none)",
    "labels": "labels",
    "extractor": "feature extractor",
    "weights_sha256": "extractor's weights (SHA-256)",
    "resize": "resize",
    "reference": "reference set",
    "reference_count": "reference images",
    "reference_hash": "reference hash",
    "fingerprint": "data fingerprint",
    "images_per_bin": "held-out images a bin",
    "bins": "noise-level bins",
    "level_count": "noise levels",
    "t": "times",
    "precision": "precision",
    "floor": "floor (real images)",
}
_SHOWN_ELSEWHERE = ("metric", "weights", "sampling_se", "levels")  # the last two are each score's own, so not shared


@dataclass(slots=True)
class Cards:
    """Numbers by key, and the facts that many of them share, each stored once."""

    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: list[Facts] = field(default_factory=list)
    _known: dict[Facts, int] = field(default_factory=dict)

    def share(self, facts: Facts) -> int:
        """The index of ``facts``."""
        if facts not in self._known:
            self._known[facts] = len(self.facts)
            self.facts.append(facts)
        return self._known[facts]

    def add(self, key: str, grid: GridView, arm: ArmView, column: cols.Column) -> bool:
        """Keep the card of one number under ``key``; whether there is one."""
        seeds = [self._seed(cell, score, column) for cell, score in column.of(arm)]
        if not seeds:
            return False
        metric, floor = column.described, column.floor(grid.arms)
        self.numbers[key] = {
            "title": plain(f"{arm.name}: {column.label}"),
            "shown": show(metric, summarise(column.values(arm).values())),
            "about": [
                ["step", steps(column.step)],
                ["weights", plain(column.weights)],
                ["direction", {"lower": "lower is better", "higher": "higher is better"}.get(metric.direction, "–")],
                ["variant", plain(arm.variant)],
                *([["floor", metric.format(floor)]] if floor is not None else []),
            ],
            "seeds": seeds,
        }
        return True

    def _seed(self, cell: CellView, score: Score, column: cols.Column) -> dict[str, Any]:
        assert cell.record is not None
        return {
            "seed": cell.seed,
            "value": column.described.format(score.value),
            "error": _error(score, column),
            "status": plain(cell.record.status),
            "train_id": cell.train_id,
            "score_id": score.score_id,
            "spent": f"{si(score.train_macs)} MACs, {score.wall_s:,.0f} s",
            "card": self.share(card_facts(score.card)),
            "run": self.share(run_facts(cell.record)),
        }


def _error(score: Score, column: cols.Column) -> str:
    """The sampling error of this one score; empty where the record has none."""
    error = score.card.get("sampling_se")
    return column.described.format(error) if isinstance(error, int | float) else ""


def card_facts(card: Mapping[str, Any]) -> Facts:
    """A score card as (what, value), the fields of rule 5 first, then whatever else it holds."""
    keys = [*(key for key in _WORDS if key in card), *(key for key in card if key not in _WORDS)]
    return tuple((_WORDS.get(key) or plain(key), _text(card[key])) for key in keys if key not in _SHOWN_ELSEWHERE)


def run_facts(record: Record) -> Facts:
    """What trained the weights: data, schedule and provenance."""
    facts = {"data": record.dataset, "training": record.training, **record.provenance}
    return tuple((plain(key), _text(value)) for key, value in facts.items() if value not in (None, "", {}, []))


def _text(value: Any) -> str:
    """A value of any JSON type as one line."""
    if isinstance(value, Mapping):
        return plain(", ".join(f"{key} {_text(item)}" for key, item in value.items()), limit=600)
    if isinstance(value, list | tuple):
        return plain(", ".join(_text(item) for item in value), limit=600)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "–" if value is None else plain(str(value), limit=600)
