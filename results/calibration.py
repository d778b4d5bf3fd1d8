"""The record of a calibration: what a budget can tell for one preset on one dataset, found on seeds of its own.

``DIR/calibrations/<calibration_id>.json``; those of the repository's budgets come with the package (`bundled`). The
id hashes the preset, the training, the images of both splits, the grid, the endpoint and the seeds, so that the same
calibration again replaces the record. How each number is found: docs/calibration.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal, Self

from results.linear_filter import BINS
from results.schema import (
    ID,
    MAPPING,
    SCHEMA,
    TEXT,
    Checks,
    Stored,
    check_fields,
    check_schema,
    construct,
    exact_keys,
    head,
    is_count,
    is_id,
    is_number,
    is_text,
    list_of,
    raised,
    short,
)

Level = Literal["A", "B", "C", "none"]
LEVELS: tuple[Level, ...] = ("A", "B", "C", "none")  # of validity, best first
SPEED_MARGINS = (1.10, 1.25)
UNMATCHED = "precision"  # the one field of the training that a calibration's match leaves open


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A mean of log(eps-loss / the linear filter's) over seeds and its one-sided 95% upper bound; below 0 is better."""

    mean: float
    upper: float

    def __post_init__(self) -> None:
        check_fields(self, _BOUND_CHECKS)
        if self.upper < self.mean:
            raise ValueError(f"upper: expected at least the mean {self.mean}, got {self.upper}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRecord(Stored):
    """What the calibration seeds of a budget say. Raises ValueError, naming the field.

    ``variant`` and ``training`` are the baseline's, ``grid`` that of the spreads. ``log_skill`` is the mean over seeds
    of log(EMA eps-loss / the linear filter's) at each noise level, ``bins`` the same of its five wide bins,
    ``geometric`` of the mean over levels of those logarithms, ``arithmetic`` of the mean loss over levels. ``level``
    is A where every bin's bound is below 0, else B where the geometric mean's is, C where the arithmetic mean's is.
    ``speed_sd`` is the standard deviation over seeds of a challenger's log R, ``skill_sd`` of its difference of log
    skill, ``repeat_sd`` that of one training's log R over repeats; None where nothing measured it. ``speed_margin`` is
    a ratio of steps, ``skill_margin`` a difference of log skill. ``seeds_for_power`` says, for "different by 1.10" or
    "equivalent within 1.10", at how many seeds one look has 80% power; None beyond those that were tried.
    """

    schema: int = SCHEMA
    kind: str = "calibration"
    calibration_id: str
    budget: str
    preset: str
    variant: str
    dataset: dict[str, Any]
    training: dict[str, Any]
    endpoint: dict[str, Any]
    grid: str
    seeds: list[int]
    linear_filter_id: str
    level: Level
    log_skill: list[float]
    bins: list[Bound]
    geometric: Bound
    arithmetic: Bound
    speed_sd: float | None
    skill_sd: float | None
    repeat_sd: float | None
    speed_margin: float
    skill_margin: float | None
    seeds_for_power: dict[str, int | None]
    cells: list[str]
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self, _CHECKS)
        if len(self.log_skill) % BINS:
            raise ValueError(f"log_skill: expected noise levels that {BINS} bins share, got {len(self.log_skill)}")
        if (found := level_of(self.bins, self.geometric, self.arithmetic)) != self.level:
            raise ValueError(f"level: expected {found!r}, as the bounds say, got {self.level!r}")

    @classmethod
    def from_dict(cls, values: Any, *, where: str = "calibration") -> Self:
        """The record in a plain mapping, as ``json.loads`` gives it."""
        check_schema(values, where=where)
        content = raised(values, cls, where)
        if not isinstance(content["bins"], list):
            raise ValueError(f"{where}: bins: expected a list, got {short(content['bins'])}")
        content["bins"] = [_bound(bound, f"{where}: bins[{i}]") for i, bound in enumerate(content["bins"])]
        for name in ("geometric", "arithmetic"):
            content[name] = _bound(content[name], f"{where}: {name}")
        made: Self = construct(cls, content, where)
        return made

    def matches(self, *, preset: str, training: Mapping[str, Any], fingerprint: str) -> bool:
        """Whether it speaks for a grid of ``preset`` whose baseline's record has ``training``, on the dataset.

        Every field of the training must be equal, but for the precision.
        """
        return (
            self.preset == preset
            and _matched(self.training) == _matched(training)
            and self.dataset.get("fingerprint") == fingerprint
        )


def level_of(bins: Iterable[Bound], geometric: Bound, arithmetic: Bound) -> Level:
    """The validity level that the bounds give (`CalibrationRecord`)."""
    if all(bound.upper < 0 for bound in bins):
        return "A"
    return "B" if geometric.upper < 0 else "C" if arithmetic.upper < 0 else "none"


def best_match(
    calibrations: Iterable[CalibrationRecord], *, preset: str, training: Mapping[str, Any], fingerprint: str
) -> CalibrationRecord | None:
    """The calibration that speaks for a grid (`CalibrationRecord.matches`): of several that with the most seeds."""
    matching = [c for c in calibrations if c.matches(preset=preset, training=training, fingerprint=fingerprint)]
    return max(matching, key=lambda c: (len(c.seeds), c.calibration_id), default=None)


def bundled() -> list[CalibrationRecord]:
    """The calibrations that come with the package, by file name. Raises ValueError for one that is damaged."""
    folder = resources.files("results") / "published" / "calibrations"
    if not folder.is_dir():
        return []
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda file: file.name)
    return [CalibrationRecord.from_json(f.read_bytes(), where=f"calibrations/{f.name}") for f in files]


def _matched(training: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in training.items() if key != UNMATCHED}


def _bound(values: Any, where: str) -> Bound:
    made: Bound = construct(Bound, exact_keys(values, Bound, where), where)
    return made


def _is_spread(value: Any) -> bool:
    return value is None or (is_number(value) and value >= 0)


def _is_power(value: Any) -> bool:
    return isinstance(value, dict) and all(
        is_text(margin) and (seeds is None or (is_count(seeds) and seeds > 0)) for margin, seeds in value.items()
    )


_BOUND_CHECKS: Checks = dict.fromkeys(("mean", "upper"), (is_number, "a number"))
_OF_BOUND = (lambda value: isinstance(value, Bound), "an object with mean and upper")
_CHECKS: Checks = {
    **head("calibration"),
    **dict.fromkeys(("calibration_id", "linear_filter_id"), ID),
    **dict.fromkeys(("budget", "preset", "variant", "grid"), TEXT),
    **dict.fromkeys(("dataset", "training", "endpoint", "provenance"), MAPPING),
    "seeds": (
        lambda value: list_of(is_count, least=2)(value) and len(set(value)) == len(value),
        "at least two whole numbers, each once",
    ),
    "level": (lambda value: value in LEVELS, f"one of {', '.join(LEVELS)}"),
    "log_skill": (list_of(is_number, least=BINS), f"a list of at least {BINS} numbers"),
    "bins": (
        lambda value: list_of(lambda each: isinstance(each, Bound))(value) and len(value) == BINS,
        f"{BINS} objects with mean and upper",
    ),
    **dict.fromkeys(("geometric", "arithmetic"), _OF_BOUND),
    **dict.fromkeys(("speed_sd", "skill_sd", "repeat_sd"), (_is_spread, "a number from 0 or null")),
    "speed_margin": (lambda value: value in SPEED_MARGINS, f"one of {', '.join(map(str, SPEED_MARGINS))}"),
    "skill_margin": (_is_spread, "a number from 0 or null"),
    "seeds_for_power": (_is_power, "an object of margins with a whole number from 1 or null each"),
    "cells": (list_of(is_id), "a list of ids"),
}
