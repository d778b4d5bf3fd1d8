"""What all files of a run share: strict JSON, a schema number, and fields that are checked one by one.

Every field is checked when a record is made and when it is read, so that what a report shows was written on purpose.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, KeysView, Mapping
from dataclasses import asdict, fields
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, NoReturn, Self, cast

SCHEMA = 2  # earlier ones are read

Accepts = Callable[[Any], bool]
Checks = dict[str, tuple[Accepts, str]]

_ID = re.compile(r"[0-9a-f]{12,64}")


class NewerSchema(ValueError):
    """A file of a later uvit: whole, but not readable here, and so never to be overwritten."""


class Stored:
    """A dataclass that is one JSON file, its fields exactly the file's.

    ``ADDED`` are the fields that later schemas brought, by schema, with what an earlier file stands for.
    """

    __slots__ = ()
    ADDED: ClassVar[Mapping[int, Mapping[str, Any]]] = {}

    def to_json(self) -> str:
        """Canonical JSON text; numbers that JSON lacks (NaN in a card) become null, numpy scalars plain ones."""
        return dumps(asdict(cast(Any, self)))

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = "record") -> Self:
        """The record in ``text``. Raises ValueError naming ``where`` and the field."""
        return cls.from_dict(loads(text, where=where), where=where)

    @classmethod
    def from_dict(cls, values: Any, *, where: str = "record") -> Self:
        """The record in a plain mapping, as ``json.loads`` gives it."""
        check_schema(values, where=where)
        made: Self = construct(cls, raised(values, cls, where), where)
        return made


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
        raise ValueError(f"{where}: expected a JSON object, got {short(values)}")
    schema = values.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ValueError(f"{where}: schema: expected a whole number from 1, got {short(schema)}")
    if schema > SCHEMA:
        raise NewerSchema(
            f"{where}: schema {schema} was written by a later uvit; this one reads up to {SCHEMA}: update it"
        )


def is_id(value: Any) -> bool:
    """Whether ``value`` is 12 to 64 lower-case hex digits, and so also a safe file name."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_count(value: Any) -> bool:
    """Whether ``value`` is a whole number from 0 (a boolean is none)."""
    return (type(value) is int or (isinstance(value, int) and not isinstance(value, bool))) and value >= 0


def is_number(value: Any) -> bool:
    """Whether ``value`` is a finite number (a boolean is none)."""
    of_json = type(value) is float or type(value) is int
    return (of_json or (isinstance(value, int | float) and not isinstance(value, bool))) and math.isfinite(value)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def list_of(accepts: Accepts, *, least: int = 1) -> Accepts:
    """Whether a value is a list of at least ``least`` items, each of which ``accepts`` takes."""
    return lambda value: isinstance(value, list) and len(value) >= least and all(accepts(item) for item in value)


MAPPING: tuple[Accepts, str] = (lambda value: isinstance(value, dict), "an object")
TEXT: tuple[Accepts, str] = (is_text, "non-empty text")
COUNT: tuple[Accepts, str] = (is_count, "a whole number from 0")
ID: tuple[Accepts, str] = (is_id, "12 to 64 lower-case hex digits")


def head(kind: str) -> Checks:
    """The checks of the two fields that every record has: its schema and its kind."""
    return {
        "schema": (lambda value: value == SCHEMA and is_count(value), f"{SCHEMA}"),
        "kind": (lambda value: value == kind, f"'{kind}'"),
    }


def check_fields(item: Any, checks: Checks) -> None:
    """Raise ValueError, naming the field, unless each value is what ``checks`` expects."""
    values = attrgetter(*checks)(item)  # one call: a run has ten thousands of scores with eight fields
    for value, (name, (accepts, expected)) in zip(values, checks.items(), strict=True):
        if not accepts(value):
            raise ValueError(f"{name}: expected {expected}, got {short(value)}")


def exact_keys(values: Any, kind: type, where: str) -> dict[str, Any]:
    """A copy of ``values``; ValueError unless it is a mapping with exactly the fields of the dataclass ``kind``."""
    if not isinstance(values, dict):
        raise ValueError(f"{where}: expected a JSON object, got {short(values)}")
    names = _field_names(kind)
    if values.keys() != names:
        _name_the_difference(values, names, SCHEMA, where)
    return dict(values)


def raised(values: dict[str, Any], kind: type[Stored], where: str) -> dict[str, Any]:
    """``values`` of any schema that is read as one of today's; a copy.

    Raises ValueError where they have not exactly the fields of their own schema.
    """
    schema = values["schema"]
    later = {name: value for since, added in kind.ADDED.items() if since > schema for name, value in added.items()}
    names = _field_names(cast(type, kind))
    own = [name for name in names if name not in later]
    if values.keys() != dict.fromkeys(own).keys():
        _name_the_difference(values, own, schema, where)
    complete = {**values, "schema": SCHEMA, **copy.deepcopy(later)}
    return {name: complete[name] for name in names}


def content_sha256(values: Mapping[str, Any]) -> str:
    """SHA-256 of plain JSON values but for their own field ``sha256``, in whatever order and layout."""
    text = json.dumps({key: value for key, value in values.items() if key != "sha256"}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _name_the_difference(values: Mapping[str, Any], names: Iterable[str], schema: int, where: str) -> NoReturn:
    """Raise the ValueError of the first field that is missing, or else of the first that is unknown."""
    names = list(names)
    for name in names:
        if name not in values:
            raise ValueError(f"{where}: {name}: missing")
    unknown = next(name for name in values if name not in names)
    raise ValueError(f"{where}: {short(unknown)}: unknown field; schema {schema} has {', '.join(names)}")


def construct(kind: type, content: dict[str, Any], where: str) -> Any:
    """``kind(**content)``, with ``where`` before the message of its ValueError."""
    try:
        return kind(**content)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


@cache
def _field_names(kind: type) -> KeysView[str]:
    """The fields of a dataclass in their order; equal to the keys of a mapping that has exactly these."""
    return dict.fromkeys(f.name for f in fields(kind)).keys()


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]


def short(value: Any) -> str:
    text = " ".join(repr(cast(object, value)).split())
    return text if len(text) <= 60 else text[:57] + "..."
