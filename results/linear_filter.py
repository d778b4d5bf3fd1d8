"""The record of a linear filter: how much of the noise on a dataset's held-out images linear algebra alone predicts.

``DIR/linear_filters/<linear_filter_id>.json``. The id hashes the images of both splits, the process, the noise levels
and the builder's version, so that building it again replaces the record. A network's eps-loss is told beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
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
    short,
)

BINS = 5  # of val_loss, each of equally many levels

Losses = Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearFilterRecord(Stored):
    """The eps-loss of the linear filter by noise level. Raises ValueError, naming the field.

    ``edges`` bound the levels of t, rising, one more than levels; ``log_snr`` is log(alpha^2 / sigma^2) in the middle
    of each. ``loss`` is the filter's, ``input_loss`` that of giving back the noisy image: means over held-out images,
    values and t uniform within the level. ``training_images`` made the filter, ``held_out_images`` measured it.
    """

    schema: int = SCHEMA
    kind: str = "linear_filter"
    linear_filter_id: str
    dataset: dict[str, Any]
    training_fingerprint: str
    held_out_fingerprint: str
    training_images: int
    held_out_images: int
    process: str
    builder: int
    basis: str
    edges: list[float]
    log_snr: list[float]
    loss: list[float]
    input_loss: list[float]
    wall_s: float
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self, _CHECKS)
        for name in ("edges", "log_snr", "input_loss"):
            given, expected = len(getattr(self, name)), self.levels + (name == "edges")
            if given != expected:
                raise ValueError(f"{name}: expected {expected} numbers for {self.levels} levels, got {given}")

    @property
    def levels(self) -> int:
        """Noise levels."""
        return len(self.loss)

    @property
    def measured_on(self) -> tuple[str, str]:
        """The fingerprint of the held-out images and the process: losses that share both compare with the filter's."""
        return self.held_out_fingerprint, self.process

    @property
    def times(self) -> list[float]:
        """The middle of each level."""
        return [(low + high) / 2 for low, high in pairwise(self.edges)]

    @property
    def zero_loss(self) -> list[float]:
        """What predicting zero scores at each level: the noise's own variance."""
        return [1.0] * self.levels

    @property
    def mean(self) -> float:
        """The filter's loss over all levels, comparable with ``val_loss``."""
        return math.fsum(self.loss) / self.levels

    def log_skill(self, losses: Losses) -> list[float]:
        """log(eps-loss / the filter's) at each level: below 0 where ``losses`` are better than the filter's.

        Raises ValueError unless there is one number above 0 for each level.
        """
        if len(losses) != self.levels:
            raise ValueError(f"skill: expected a loss for each of {self.levels} noise levels, got {len(losses)}")
        for loss in losses:
            if not _is_positive(loss):
                raise ValueError(f"skill: expected losses above 0, got {short(loss)}")
        return [math.log(loss / own) for loss, own in zip(losses, self.loss, strict=True)]

    def skill(self, losses: Losses) -> float:
        """The geometric mean over levels of eps-loss / the filter's: each noise level counts alike; raises as above."""
        return math.exp(math.fsum(self.log_skill(losses)) / self.levels)


def in_bins(losses: Losses, bins: int = BINS) -> list[float]:
    """Means over ``bins`` groups of equally many neighbouring levels, comparable with ``val_loss_bin1 … 5``.

    Raises ValueError where the levels cannot be shared out.
    """
    each, rest = divmod(len(losses), bins)
    if rest or not each:
        raise ValueError(f"expected noise levels that {bins} bins share, got {len(losses)}")
    return [math.fsum(losses[first : first + each]) / each for first in range(0, len(losses), each)]


def _is_positive(value: Any) -> bool:
    return is_number(value) and value > 0


def _are_edges(value: Any) -> bool:
    return list_of(is_number, least=2)(value) and all(low < high for low, high in pairwise([0, *value, 1]))


_SOME = (lambda value: is_count(value) and value >= 1, "a whole number from 1")
_CHECKS: Checks = {
    **head("linear_filter"),
    "linear_filter_id": ID,
    **dict.fromkeys(("dataset", "provenance"), MAPPING),
    **dict.fromkeys(("training_fingerprint", "held_out_fingerprint", "process", "basis"), TEXT),
    **dict.fromkeys(("training_images", "held_out_images"), _SOME),
    "builder": COUNT,
    "edges": (_are_edges, "a list of rising numbers between 0 and 1"),
    "log_snr": (list_of(is_number), "a list of numbers"),
    **dict.fromkeys(("loss", "input_loss"), (list_of(_is_positive), "a list of numbers above 0")),
    "wall_s": (lambda value: is_number(value) and value >= 0, "a number from 0"),
}
