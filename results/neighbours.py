"""The record of a search for copies: how near the samples of one trained cell are to its training images.

``DIR/neighbours/<neighbours_id>.json``, and beside it a sheet ``.png`` that a report can do without. Distances are
Euclidean between features of the named extractor, so only distances of one record can be compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
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
    list_of,
)

SHARE = 0.05  # of held-out images that are by definition nearer than the threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighboursRecord(Stored):
    """Distances of samples and of held-out images to their nearest training images.

    ``distances`` and ``rows`` are (count, k), ascending; ``held_out`` has the distance of each of as many real images,
    never trained on, to its nearest: the yardstick. ``rows`` are rows of the ``training_images`` of ``split``, of which
    ``compared`` were looked at. ``shown`` are the samples on the sheet, and ``held_out_shown`` the
    held-out images (places in ``distances`` and ``held_out``), nearest first. Raises ValueError, naming the field.
    """

    schema: int = SCHEMA
    kind: str = "neighbours"
    neighbours_id: str
    train_id: str
    variant: str
    preset: str
    options: dict[str, str] = field(default_factory=dict)
    seed: int
    step: int
    weights: str
    dataset: dict[str, Any]
    split: str
    training_images: int
    compared: int
    mirrored: bool
    extractor: str
    weights_sha256: str
    sampler: str
    nfe: int
    guidance: float
    sample_seed: int
    distances: list[list[float]]
    rows: list[list[int]]
    held_out: list[float]
    shown: list[int]
    held_out_shown: list[int]
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self, _CHECKS)
        self._check_shapes()

    @property
    def count(self) -> int:
        """Samples that were compared."""
        return len(self.distances)

    @property
    def nearest(self) -> list[float]:
        """The distance of each sample to its nearest training image."""
        return [row[0] for row in self.distances]

    @property
    def threshold(self) -> float:
        """The distance that 5% of the held-out images fall below."""
        ordered = sorted(self.held_out)
        return ordered[math.floor(SHARE * (len(ordered) - 1))]

    @property
    def suspicious(self) -> int:
        """Samples nearer to a training image than ``threshold``: about 5% where nothing was copied."""
        return sum(distance < self.threshold for distance in self.nearest)

    @property
    def ratio(self) -> float | None:
        """Median distance of samples over that of held-out images; None where the latter is 0."""
        yardstick = median(self.held_out)
        return median(self.nearest) / yardstick if yardstick else None

    def _check_shapes(self) -> None:
        widths = {len(row) for row in self.distances} | {len(row) for row in self.rows}
        if len(self.rows) != len(self.distances) or len(widths) != 1 or 0 in widths:
            raise ValueError("distances, rows: expected equally many samples, with equally many neighbours each")
        for name, total in (("shown", self.count), ("held_out_shown", len(self.held_out))):
            if any(place >= total for place in getattr(self, name)):
                raise ValueError(f"{name}: expected places under {total}, got {max(getattr(self, name))}")
        if any(row >= self.training_images for found in self.rows for row in found):
            raise ValueError(f"rows: expected rows of the {self.training_images} training images")


def _is_distance(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _is_distances(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_distance(item) for item in value)


def _is_ascending(value: Any) -> bool:
    return _is_distances(value) and value == sorted(value)


_PLACES = (list_of(is_count, least=0), "a list of whole numbers from 0")
_CHECKS: Checks = {
    **head("neighbours"),
    **dict.fromkeys(("neighbours_id", "train_id"), ID),
    **dict.fromkeys(("variant", "preset", "weights", "split", "extractor", "weights_sha256", "sampler"), TEXT),
    **dict.fromkeys(("seed", "step", "training_images", "compared", "nfe", "sample_seed"), COUNT),
    **dict.fromkeys(("options", "dataset", "provenance"), MAPPING),
    "mirrored": (lambda value: isinstance(value, bool), "true or false"),
    "guidance": (_is_distance, "a number from 0"),
    "distances": (list_of(_is_ascending), "lists of distances from 0, ascending"),
    "rows": (list_of(list_of(is_count)), "lists of whole numbers from 0"),
    "held_out": (_is_distances, "a list of distances from 0"),
    **dict.fromkeys(("shown", "held_out_shown"), _PLACES),
}
