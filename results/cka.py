"""The record that one representation analysis leaves: CKA between the blocks of one trained cell.

``DIR/cka/<cka_id>.json``. ``cka_id`` hashes the training, step and weights, the images, times and noise, so measuring
again replaces the record.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from results.record import (
    SCHEMA,
    Checks,
    check_fields,
    check_schema,
    construct,
    dumps,
    exact_keys,
    is_count,
    is_id,
    loads,
)

DIGITS = 6  # decimals of a stored CKA: far below its standard error
_SLACK = 1e-5  # by which rounding may break a bound

Map = list[list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CkaRecord:
    """CKA maps of a cell. Raises ValueError, naming the field, when a value is not what the schema says.

    ``maps`` holds a matrix of blocks × blocks for each of ``times`` (of the process, in (0, 1)), ``errors`` the largest
    standard error of an entry of each, over minibatches; None where there was one minibatch.
    """

    schema: int = SCHEMA
    kind: str = "cka"
    cka_id: str
    train_id: str
    variant: str
    preset: str
    options: dict[str, str] = field(default_factory=dict)
    seed: int
    step: int
    weights: str
    dataset: dict[str, Any]
    split: str
    images: int
    batch_size: int
    noise_seed: int
    process: str
    times: list[float]
    maps: list[Map]
    errors: list[float | None]
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self, _CHECKS)
        self._check_maps()

    @property
    def blocks(self) -> int:
        """Blocks that were compared."""
        return len(self.maps[0])

    @property
    def mean(self) -> Map:
        """The map averaged over the times; each time weighs the same, whatever the scale of its activations."""
        places = range(self.blocks)
        return [[math.fsum(found[i][j] for found in self.maps) / len(self.maps) for j in places] for i in places]

    def to_json(self) -> str:
        """Canonical JSON text."""
        return dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = "cka") -> Self:
        """The record in ``text``. Raises ValueError naming ``where`` and the field."""
        values = loads(text, where=where)
        check_schema(values, where=where)
        made: Self = construct(cls, exact_keys(values, cls, where), where)
        return made

    def _check_maps(self) -> None:
        if len(self.maps) != len(self.times) or len(self.errors) != len(self.times):
            raise ValueError(
                f"maps, errors: expected one for each of {len(self.times)} times, got {len(self.maps)}, "
                f"{len(self.errors)}"
            )
        if any(len(found) != self.blocks for found in self.maps):
            raise ValueError("maps: expected the same number of blocks at every time")


def _is_map(value: Any) -> bool:
    """Whether ``value`` is a square, symmetric matrix with ones on its diagonal and nothing beyond ±1."""
    if not isinstance(value, list) or not value or any(not isinstance(row, list) for row in value):
        return False
    places = range(len(value))
    if any(len(row) != len(value) or not all(_is_number(number) for number in row) for row in value):
        return False
    return all(
        abs(value[i][i] - 1) <= _SLACK
        and all(abs(value[i][j]) <= 1 + _SLACK and abs(value[i][j] - value[j][i]) <= _SLACK for j in places)
        for i in places
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_error(value: Any) -> bool:
    return value is None or (_is_number(value) and value >= 0)


def _list_of(accepts: Any) -> Any:
    return lambda value: isinstance(value, list) and bool(value) and all(accepts(item) for item in value)


_COUNT = (is_count, "a whole number from 0")
_ID = (is_id, "12 to 64 lower-case hex digits")
_MAPPING = (lambda value: isinstance(value, dict), "an object")
_TEXT = (lambda value: isinstance(value, str) and value != "", "non-empty text")
_CHECKS: Checks = {
    "schema": (lambda value: value == SCHEMA and is_count(value), f"{SCHEMA}"),
    "kind": (lambda value: value == "cka", "'cka'"),
    **dict.fromkeys(("cka_id", "train_id"), _ID),
    **dict.fromkeys(("variant", "preset", "weights", "split", "process"), _TEXT),
    **dict.fromkeys(("seed", "step", "noise_seed"), _COUNT),
    **dict.fromkeys(("options", "dataset", "provenance"), _MAPPING),
    **dict.fromkeys(("images", "batch_size"), (lambda value: is_count(value) and value >= 4, "a whole number from 4")),
    "times": (_list_of(lambda value: _is_number(value) and 0 < value < 1), "a list of numbers between 0 and 1"),
    "maps": (_list_of(_is_map), "square, symmetric matrices of CKA with ones on the diagonal"),
    "errors": (_list_of(_is_error), "a list of numbers from 0, or null"),
}
