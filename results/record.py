"""The record that a cell leaves: one JSON file, failures included. Schema in DESIGN.md, "Surface".

Every field is checked when a record is made and when it is read, so that what a report shows was written on purpose.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self, cast

SCHEMA = 1

Status = Literal["ok", "undertrained", "diverged", "oom", "error"]
STATUSES: tuple[Status, ...] = ("ok", "undertrained", "diverged", "oom", "error")
SURVIVED: tuple[Status, ...] = ("ok", "undertrained")  # trained to the end, so its scores enter means

_ID = re.compile(r"[0-9a-f]{12,64}")


class NewerSchema(ValueError):
    """A file of a later uvit: whole, but not readable here, and so never to be overwritten."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
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

    def to_json(self) -> str:
        """Canonical JSON text; numbers that JSON lacks (NaN in a card) become null, numpy scalars plain ones."""
        return dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = "record") -> Self:
        """The record in ``text``. Raises ValueError naming ``where`` and the field."""
        return cls.from_dict(loads(text, where=where), where=where)

    @classmethod
    def from_dict(cls, values: Any, *, where: str = "record") -> Self:
        """The record in a plain mapping, as ``json.loads`` gives it."""
        check_schema(values, where=where)
        content = exact_keys(values, cls, where)
        scores = content["scores"]
        if not isinstance(scores, list):
            raise ValueError(f"{where}: scores: expected a list, got {_short(scores)}")
        content["scores"] = [_build(Score, score, f"{where}: scores[{i}]") for i, score in enumerate(scores)]
        return construct(cls, content, where)


def dumps(value: Any) -> str:
    """Plain JSON, ASCII, keys in the order given, indented by one space, ending in a newline."""
    return json.dumps(plain(value), indent=1, allow_nan=False) + "\n"


def loads(text: str | bytes, *, where: str) -> Any:
    """Parse strict JSON (no NaN, no Infinity). Raises ValueError naming ``where``."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise ValueError(f"{where}: expected a JSON file, got one that does not parse ({_one_line(error)})") from None


def plain(value: Any) -> Any:
    """``value`` as JSON types: tuples to lists, paths and other objects to text, non-finite numbers to None."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if hasattr(value, "tolist"):  # numpy and torch, without importing either
        return plain(value.tolist())
    return str(value)


def check_schema(values: Any, *, where: str) -> None:
    """Raise ValueError unless ``values`` is a mapping whose schema this version reads."""
    if not isinstance(values, dict):
        raise ValueError(f"{where}: expected a JSON object, got {_short(values)}")
    schema = values.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ValueError(f"{where}: schema: expected a whole number from 1, got {_short(schema)}")
    if schema > SCHEMA:
        raise NewerSchema(
            f"{where}: schema {schema} was written by a later uvit; this one reads up to {SCHEMA}: update it"
        )


def is_id(value: Any) -> bool:
    """Whether ``value`` is 12 to 64 lower-case hex digits, and so also a safe file name."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_count(value: Any) -> bool:
    """Whether ``value`` is a whole number from 0 (a boolean is none)."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for pair in value.items() for item in pair)


def _is_losses(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(point, dict) and is_count(point.get("step")) and _is_number(point.get("loss")) for point in value
    )


def _is_scores(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(score, Score) for score in value)


Checks = dict[str, tuple[Callable[[Any], bool], str]]

_MAPPING: tuple[Callable[[Any], bool], str] = (lambda v: isinstance(v, dict), "an object")
_TEXT = (_is_text, "non-empty text")
_COUNT = (is_count, "a whole number from 0")
_HEX = (is_id, "12 to 64 lower-case hex digits")

_SCORE_CHECKS: Checks = {
    "score_id": _HEX,
    "step": _COUNT,
    "weights": _TEXT,
    "metric": _TEXT,
    "value": (lambda v: v is None or _is_number(v), "a finite number or null"),
    "card": _MAPPING,
    "train_macs": _COUNT,
    "wall_s": (lambda v: _is_number(v) and v >= 0, "seconds from 0"),
}

_RECORD_CHECKS: Checks = {
    "schema": (lambda v: v == SCHEMA and is_count(v), f"{SCHEMA}"),
    "kind": (lambda v: v == "cell", "'cell'"),
    "train_id": _HEX,
    "status": (lambda v: v in STATUSES, f"one of {', '.join(STATUSES)}"),
    "error": (lambda v: v is None or isinstance(v, str), "text or null"),
    "variant": _TEXT,
    "preset": _TEXT,
    "options": (_is_texts, "an object of texts"),
    "dataset": _MAPPING,
    "budget": _TEXT,
    "training": _MAPPING,
    "seed": _COUNT,
    "params": _COUNT,
    "macs": _COUNT,
    "losses": (_is_losses, "a list of objects with step and a finite loss"),
    "scores": (_is_scores, "a list of scores"),
    "provenance": _MAPPING,
}


def check_fields(item: Any, checks: Checks) -> None:
    """Raise ValueError, naming the field, unless each value is what ``checks`` expects."""
    for name, (accepts, expected) in checks.items():
        value = getattr(item, name)
        if not accepts(value):
            raise ValueError(f"{name}: expected {expected}, got {_short(value)}")


def exact_keys(values: Any, kind: type, where: str) -> dict[str, Any]:
    """A copy of ``values``; ValueError unless it is a mapping with exactly the fields of the dataclass ``kind``."""
    if not isinstance(values, dict):
        raise ValueError(f"{where}: expected a JSON object, got {_short(values)}")
    names = [f.name for f in fields(kind)]
    for name in names:
        if name not in values:
            raise ValueError(f"{where}: {name}: missing")
    for name in values:
        if name not in names:
            raise ValueError(f"{where}: {_short(name)}: unknown field; schema {SCHEMA} has {', '.join(names)}")
    return dict(values)


def _build(kind: type, values: Any, where: str) -> Any:
    return construct(kind, exact_keys(values, kind, where), where)


def construct(kind: type, content: dict[str, Any], where: str) -> Any:
    """``kind(**content)``, with ``where`` before the message of its ValueError."""
    try:
        return kind(**content)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]


def _short(value: Any) -> str:
    text = " ".join(repr(cast(object, value)).split())
    return text if len(text) <= 60 else text[:57] + "..."
