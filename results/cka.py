"""The record that one representation analysis leaves: CKA between the blocks of one trained cell.

``DIR/cka/<cka_id>.json``. ``cka_id`` hashes the training, step and weights, the images, times and noise, so measuring
again replaces the record.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from results.schema import (
    COUNT,
    ID,
    MAPPING,
    SCHEMA,
    TEXT,
    Checks,
    Stored,
    check_fields,
    head,
    is_count,
    is_number,
    list_of,
)

DIGITS = 6  # decimals of a stored CKA: far below its standard error
_SLACK = 1e-5  # by which rounding may break a bound

Map = list[list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CkaRecord(Stored):
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
    if any(len(row) != len(value) or not all(is_number(number) for number in row) for row in value):
        return False
    return all(
        abs(value[i][i] - 1) <= _SLACK
        and all(abs(value[i][j]) <= 1 + _SLACK and abs(value[i][j] - value[j][i]) <= _SLACK for j in places)
        for i in places
    )


def _is_error(value: Any) -> bool:
    return value is None or (is_number(value) and value >= 0)


_CHECKS: Checks = {
    **head("cka"),
    **dict.fromkeys(("cka_id", "train_id"), ID),
    **dict.fromkeys(("variant", "preset", "weights", "split", "process"), TEXT),
    **dict.fromkeys(("seed", "step", "noise_seed"), COUNT),
    **dict.fromkeys(("options", "dataset", "provenance"), MAPPING),
    **dict.fromkeys(("images", "batch_size"), (lambda value: is_count(value) and value >= 4, "a whole number from 4")),
    "times": (list_of(lambda value: is_number(value) and 0 < value < 1), "a list of numbers between 0 and 1"),
    "maps": (list_of(_is_map), "square, symmetric matrices of CKA with ones on the diagonal"),
    "errors": (list_of(_is_error), "a list of numbers from 0, or null"),
}
