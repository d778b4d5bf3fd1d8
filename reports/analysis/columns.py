"""Which scores may stand in one column: one metric, weights and step, measured one way on the same data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from reports.views.grid import ArmView, CellView, GridView
from results.metrics import Metric, describe
from results.record import Record, Score

# Fields of a score card that make two numbers incomparable; those that begin so count as well (reference_hash).
# The weights' hash is one of them; library versions, precision and the floor are shown but split nothing.
_CARD_FIELDS = ("count", "extractor", "weights_sha256", "resize", "reference", "sampler", "nfe", "guidance", "labels")
_EXACT_FIELDS = (
    *("images_per_bin", "bins", "level_count", "times", "t"),
    *("fingerprint", "kernel", "k", "subset", "card_version"),
)

How = tuple[tuple[str, str], ...]  # facts of a score under which it compares with others, sorted
ColumnKey = tuple[str, str, int, How]  # metric, weights, step
CellScore = tuple[CellView, Score]

_ORDER = ("frechet", "kernel", "precision", "recall", "loss", "other", "bin", "cost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of scores. ``how`` is the part of the card, and the dataset, that all its numbers share.

    ``scores`` are by arm, of cells that trained to the end. A number that stands in no record but follows from several,
    as R does, is in ``computed`` instead, by arm and seed, and has no card.
    """

    metric: str
    weights: str
    step: int
    how: How
    suffix: str = ""  # what tells it from another column of the same metric and weights
    scores: Mapping[str, Sequence[CellScore]] = field(default_factory=dict, compare=False, repr=False)
    computed: Mapping[str, Mapping[int, float]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def described(self) -> Metric:
        return describe(self.metric)

    @property
    def heading(self) -> str:
        """Lines of the column's heading, the weights last; of a computed number its unit."""
        if self.computed:
            return "\n".join([self.described.heading[0], self.described.unit])
        return "\n".join([*self.described.heading, f"({', '.join(p for p in (self.weights, self.suffix) if p)})"])

    @property
    def label(self) -> str:
        """Without arrow: for lines of text and the CSV file."""
        return f"{self.described.label} ({', '.join(part for part in (self.weights, self.suffix) if part)})"

    @property
    def csv(self) -> str:
        """The column's name in files: metric and weights as they are recorded."""
        return " ".join(part for part in (self.metric, self.weights, self.suffix) if part)

    @property
    def key(self) -> ColumnKey:
        """What all its numbers share."""
        return (self.metric, self.weights, self.step, self.how)

    def of(self, arm: ArmView) -> Sequence[CellScore]:
        """The arm's scores, each with its cell, in the order of its seeds."""
        return self.scores.get(arm.name, ())

    def values(self, arm: ArmView) -> dict[int, float]:
        """The arm's values by seed, of cells that trained to the end."""
        if self.computed:
            return dict(self.computed.get(arm.name, {}))
        return {cell.seed: score.value for cell, score in self.of(arm) if score.value is not None}

    def cards(self, arms: Iterable[ArmView]) -> list[dict[str, Any]]:
        """The score cards behind the column, in the arms' order."""
        return [score.card for arm in arms for _, score in self.of(arm)]

    def floor(self, arms: Iterable[ArmView]) -> float | None:
        """What real held-out images score in this column; None where it was not, or could not be, measured."""
        return first_floor(self.cards(arms))


def how_measured(record: Record, score: Score) -> How:
    """The facts under which ``score`` compares with others, sorted."""
    facts = {key: str(value) for key, value in score.card.items() if _splits(key)}
    data = record.dataset.get("fingerprint") or record.dataset.get("name", "")
    size = record.training.get("image_size") or record.dataset.get("image_size", "")
    return tuple(sorted((facts | {"data": f"{data} {size}".strip()}).items()))


@cache
def _splits(key: str) -> bool:
    """Whether two numbers whose cards differ in this field are not to be compared."""
    return key in _EXACT_FIELDS or any(key == name or key.startswith(f"{name}_") for name in _CARD_FIELDS)


def columns(grid: GridView) -> list[Column]:
    """All columns at the endpoint's step with their scores, the endpoint's own first, then by kind of metric."""
    unordered = [
        Column(metric=metric, weights=weights, step=step, how=how, scores=by_arm)
        for (metric, weights, step, how), by_arm in _last_scores(grid).items()
    ]
    return _told_apart(sorted(unordered, key=lambda c: (not is_endpoint(grid, c), _rank(c), c.metric, c.weights)))


def _last_scores(grid: GridView) -> dict[ColumnKey, dict[str, list[CellScore]]]:
    """The scores at the endpoint's step by what makes them comparable, then by arm."""
    scores: dict[ColumnKey, dict[str, list[CellScore]]] = {}
    last = grid.step  # once: it asks every record of the grid
    for arm in grid.arms:
        for cell in arm.cells:
            if (record := cell.survivor) is None:
                continue
            for score in record.scores:
                if score.step == last:
                    key = (score.metric, score.weights, score.step, how_measured(record, score))
                    scores.setdefault(key, {}).setdefault(arm.name, []).append((cell, score))
    return scores


def is_endpoint(grid: GridView, column: Column) -> bool:
    """Whether the column is (one reading of) the grid's primary endpoint."""
    return (column.metric, column.weights) == (grid.metric_name, grid.weights)


def shown(grid: GridView, column: Column) -> bool:
    """Whether a column stands in the arm table; the CSV has all. Noise-level bins and second weights' losses do not."""
    kind = column.described.kind
    return kind not in ("bin", "cost") and (kind != "loss" or column.weights == grid.weights)


def first_floor(cards: Iterable[Mapping[str, Any]]) -> float | None:
    """The floor of the first card that has one: what real held-out images score."""
    for card in cards:
        value = card.get("floor")
        value = value.get("value") if isinstance(value, dict) else value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def _rank(column: Column) -> int:
    kind = column.described.kind
    return _ORDER.index(kind if kind in _ORDER else "other")


def _told_apart(ordered: list[Column]) -> list[Column]:
    """Give columns of one metric and weights a suffix of the facts in which they differ."""
    result = []
    for column in ordered:
        twins = [c for c in ordered if (c.metric, c.weights) == (column.metric, column.weights)]
        keys = {key for twin in twins for key, _ in twin.how}
        differing = [key for key in sorted(keys) if len({dict(twin.how).get(key) for twin in twins}) > 1]
        facts = [f"{key.replace('_', ' ')} {_brief(dict(column.how).get(key, 'unknown'))}" for key in differing]
        result.append(dataclasses.replace(column, suffix=", ".join(facts)))
    return result


def _brief(text: str) -> str:
    return text if len(text) <= 16 else text[:8]
