"""The record that a cell leaves: one JSON file, failures included. Schema: docs/design.md, "The stable surface".

Every field is checked when a record is made and when it is read, so that what a report shows was written on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal, Self

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
    content_sha256,
    dumps,
    exact_keys,
    head,
    is_count,
    is_id,
    is_number,
    is_text,
    list_of,
    plain,
    raised,
    short,
)

Status = Literal["ok", "undertrained", "diverged", "oom", "error"]
STATUSES: tuple[Status, ...] = ("ok", "undertrained", "diverged", "oom", "error")  # undertrained: of schema 1 alone
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
    """What one cell leaves. Raises ValueError, naming the field, when a value is not what the schema says.

    ``marks`` say what a reader should know of it and never decide whether it counts; ``repeat`` is 0, or the number
    of a repetition of the same seed; ``measured`` holds whatever else was measured on the way, by name. ``sha256`` is
    of the file's content, so that one that was changed by hand is told.
    """

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
    marks: list[str] = field(default_factory=list)
    repeat: int = 0
    measured: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    sha256: str | None = field(default=None, compare=False)

    ADDED: ClassVar[Mapping[int, Mapping[str, Any]]] = {2: {"marks": [], "repeat": 0, "measured": {}, "sha256": None}}

    def __post_init__(self) -> None:
        check_fields(self, _RECORD_CHECKS)

    def to_json(self) -> str:
        """As `Stored.to_json`, with the hash of the content as ``sha256``."""
        values = plain(asdict(self))
        return dumps({**values, "sha256": content_sha256(values)})

    @property
    def name(self) -> str:
        """Of the cell's files (`cell_name`)."""
        return cell_name(self.train_id, self.repeat)

    @property
    def survived(self) -> bool:
        """Whether the cell trained to the end."""
        return self.status in SURVIVED

    @classmethod
    def from_dict(cls, values: Any, *, where: str = "record") -> Self:
        """The record in a plain mapping, as ``json.loads`` gives it."""
        check_schema(values, where=where)
        content = raised(values, cls, where)
        if content["sha256"] not in (None, content_sha256(values)):
            raise ValueError(f"{where}: sha256: expected that of the content, which was changed after it was written")
        scores = content["scores"]
        if not isinstance(scores, list):
            raise ValueError(f"{where}: scores: expected a list, got {short(scores)}")
        content["scores"] = [Score.from_dict(score, where=f"{where}: scores[{i}]") for i, score in enumerate(scores)]
        return construct(cls, content, where)


def cell_name(train_id: str, repeat: int) -> str:
    """The name of a cell's files: its id, and of a repeat its number behind a hyphen."""
    return f"{train_id}-{repeat}" if repeat else train_id


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
    "marks": (list_of(is_text, least=0), "a list of texts"),
    "repeat": COUNT,
    "measured": MAPPING,
    "provenance": MAPPING,
    "sha256": (lambda v: v is None or (is_id(v) and len(v) == 64), "64 lower-case hex digits or null"),
}
