"""Steps to quality in words: for a table, and as a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.steps_to_quality import StepsToQuality
from reports.text import quoted


def share_text(arm: StepsToQuality) -> str:
    """How many times the baseline's steps the arm needs, for a table: ``0.71× [0.60, 0.80]``."""
    if arm.share is not None:
        return f"{arm.share:.2f}×{_interval(arm.interval)}"
    return f"{arm.early}/{arm.pairs} by the 1st evaluation" if arm.pairs else "–"


def sentences(arms: Sequence[StepsToQuality]) -> str:
    """The steps to quality of all arms in one line; empty without any."""
    first = [sentence(arm) for arm in arms[:1]]
    return "; ".join([*first, *(sentence(arm, "it") for arm in arms[1:])])


def sentence(arm: StepsToQuality, goal: str = "the score that both reach") -> str:
    """One arm's steps to quality: ``add needs 0.71× the baseline's steps [0.60, 0.80] for`` the goal."""
    name = quoted(arm.arm)
    if arm.share is not None:
        return f"{name} needs {arm.share:.2f}× the baseline's steps{_interval(arm.interval)} for {goal}"
    seeds = f"in {arm.early} of {arm.pairs} seeds"
    return f"{name} or the baseline has {goal} at its first evaluation already {seeds}: no mean"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{_share(interval[0])}, {_share(interval[1])}]"


def _share(value: float) -> str:
    return f"{value:.2f}" if value < 100 else ">100"
