"""The record that a cell leaves: one JSON file, failures included. Schema: docs/design.md, "The stable surface".

Every field is checked when a record is made and when it is read, so that what a report shows was written on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Self

from results.schema import (
    COUNT,
    ID,
    MAPPING,
    SCHEMA,
    TEXT,
    Accepts,
    Checks,
    Stored,
    check_fields,
    check_schema,
    construct,
    exact_keys,
    head,
    is_count,
    is_number,
    short,
)

Status = Literal["ok", "undertrained", "diverged", "oom", "error"]
STATUSES: tuple[Status, ...] = ("ok", "undertrained", "diverged", "oom", "error")
SURVIVED: tuple[Status, ...] = ("ok", "undertrained")  # trained to the end, so its scores enter means


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One number of one evaluation. ``value`` is None where the metric is undefined; the card says why."""

    score_id: str
    step: int
    weights: str
    metric: str
    value: float | None
    card: dict[str, Any]
    train_macs: int
    wall_s: float

    def __post_init__(self) -> None:
        check_fields(self, _SCORE_CHECKS)

    @classmethod
    def from_dict(cls, values: Any, *, where: str) -> Self:
        """The score in a plain mapping. Raises ValueError naming ``where`` and the field."""
        made: Self = construct(cls, exact_keys(values, cls, where), where)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Stored):
    """What one cell leaves. Raises ValueError, naming the field, when a value is not what the schema says."""

    schema: int = SCHEMA
    kind: str = "cell"
    train_id: str
    status: str
    error: str | None = None
    variant: str
    preset: str
    options: dict[str, str] = field(default_factory=dict)
    dataset: dict[str, Any]
    budget: str
    training: dict[str, Any]
    seed: int
    params: int
    macs: int
    losses: list[dict[str, float]] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self, _RECORD_CHECKS)

    @property
    def survived(self) -> bool:
        """Whether the cell trained to the end."""
        return self.status in SURVIVED

    @classmethod
    def from_dict(cls, values: Any, *, where: str = "record") -> Self:
        """The record in a plain mapping, as ``json.loads`` gives it."""
        check_schema(values, where=where)
        content = exact_keys(values, cls, where)
        scores = content["scores"]
        if not isinstance(scores, list):
            raise ValueError(f"{where}: scores: expected a list, got {short(scores)}")
        content["scores"] = [Score.from_dict(score, where=f"{where}: scores[{i}]") for i, score in enumerate(scores)]
        return construct(cls, content, where)


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for pair in value.items() for item in pair)


def _is_losses(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(point, dict) and is_count(point.get("step")) and is_number(point.get("loss")) for point in value
    )


LOSSES: tuple[Accepts, str] = (_is_losses, "a list of objects with step and a finite loss")


def _is_scores(value: Any) -> bool:
    return isinstance(value, list) and {type(score) for score in value} <= {Score}


_SCORE_CHECKS: Checks = {
    "score_id": ID,
    "step": COUNT,
    "weights": TEXT,
    "metric": TEXT,
    "value": (lambda v: v is None or is_number(v), "a finite number or null"),
    "card": MAPPING,
    "train_macs": COUNT,
    "wall_s": (lambda v: is_number(v) and v >= 0, "seconds from 0"),
}

_RECORD_CHECKS: Checks = {
    **head("cell"),
    "train_id": ID,
    "status": (lambda v: v in STATUSES, f"one of {', '.join(STATUSES)}"),
    "error": (lambda v: v is None or isinstance(v, str), "text or null"),
    "variant": TEXT,
    "preset": TEXT,
    "options": (_is_texts, "an object of texts"),
    "dataset": MAPPING,
    "budget": TEXT,
    "training": MAPPING,
    "seed": COUNT,
    "params": COUNT,
    "macs": COUNT,
    "losses": LOSSES,
    "scores": (_is_scores, "a list of scores"),
    "provenance": MAPPING,
}
