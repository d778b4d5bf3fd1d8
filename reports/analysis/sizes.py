"""Score against a size (depth, width, patch), for grids that vary it."""

from __future__ import annotations

from dataclasses import dataclass

from reports.analysis.arm_scores import ArmPoint, ArmScores
from reports.views.grid import ArmView

SIZES = {"depth": "depth, blocks", "width": "width, dimensions", "patch": "patch, pixels"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """The arms that differ from the baseline in one size alone, by that size; the baseline where its own is known.

    ``baseline`` is the baseline's point without a size, to be drawn as a level.
    """

    axis: str
    label: str
    points: tuple[tuple[int, ArmPoint], ...]
    baseline: ArmPoint | None


def scalings(scores: ArmScores) -> list[Scaling]:
    """Score against every size (depth, width, patch) of which at least two arms have a known value."""
    return [scaling for axis in SIZES if (scaling := _scaling(axis, scores)) is not None]


def _scaling(axis: str, scores: ArmScores) -> Scaling | None:
    sized = [(value, p) for p in scores.points if not p.arm.is_baseline and (value := _varied(p.arm, axis)) is not None]
    baseline = next((point for point in scores.points if point.arm.is_baseline), None)
    if not sized or baseline is None:
        return None
    own = _own(baseline.arm, axis)
    points = sorted([*sized, *([(own, baseline)] if own is not None else [])], key=lambda pair: pair[0])
    if len(points) < 2:
        return None
    return Scaling(axis=axis, label=SIZES[axis], points=tuple(points), baseline=None if own is not None else baseline)


def _varied(arm: ArmView, axis: str) -> int | None:
    """The arm's size on ``axis`` where that is all it changes. A patch stands in the preset's name: ``uvit-s/4``."""
    if list(arm.options) == [axis]:
        text = arm.options[axis]
    elif axis == "patch" and not arm.options and arm.name.startswith("patch="):
        text = arm.name.removeprefix("patch=")
    else:
        return None
    return int(text) if text.isdecimal() else None


def _own(arm: ArmView, axis: str) -> int | None:
    """The baseline's own size, which its variant's text leaves to the preset: manifests say it since 0.1."""
    return arm.sizes.get(axis)
