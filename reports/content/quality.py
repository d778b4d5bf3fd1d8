"""Steps to quality in words: for a table, and as a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.steps_to_quality import StepsToQuality
from reports.text import plural, quoted, steps


def share_text(arm: StepsToQuality) -> str:
    """The arm's share of the baseline's steps, for a table: ``0.71× [0.60, 0.80]``."""
    if not arm.pairs:
        return "–"
    if arm.share is not None:
        return f"{arm.share:.2f}×{_interval(arm.interval)}"
    if arm.never == arm.pairs:
        return "not reached"
    counts = ((len(arm.shares), "reach it"), (arm.never, "do not"), (arm.early, "by the 1st evaluation"))
    return ", ".join(f"{count}/{arm.pairs} {what}" for count, what in counts if count)


def sentences(arms: Sequence[StepsToQuality]) -> str:
    """The steps to quality of all arms in one line; empty without any."""
    first = [sentence(arm) for arm in arms[:1]]
    return "; ".join([*first, *(sentence(arm, "it") for arm in arms[1:])])


def sentence(arm: StepsToQuality, goal: str = "the baseline's final score") -> str:
    """One arm's steps to quality: ``add reaches the baseline's final score in 0.71× the steps [0.60, 0.80]``."""
    name = quoted(arm.arm)
    if arm.share is not None:
        return f"{name} reaches {goal} in {arm.share:.2f}× the steps{_interval(arm.interval)}"
    if arm.never == arm.pairs:
        return f"{name} does not reach {goal} within {steps(arm.steps)} steps"
    if arm.early == arm.pairs:
        return f"{name} has {goal} at its first evaluation already"
    rest = [f"{plural(arm.never, 'seed')} not within {steps(arm.steps)} steps"] * bool(arm.never)
    rest += [f"{plural(arm.early, 'seed')} at the first evaluation already"] * bool(arm.early)
    return f"{name} reaches {goal} in {len(arm.shares)} of {arm.pairs} seeds ({', '.join(rest)}): no mean"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{_share(interval[0])}, {_share(interval[1])}]"


def _share(value: float) -> str:
    return f"{value:.2f}" if value < 100 else ">100"
