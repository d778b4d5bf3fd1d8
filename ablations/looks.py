"""A grid until it is known: a few seeds of every arm, then more for the arms that are still open.

The looks are planned before the first cell trains (`ablations.schedule`) and share one error rate, so that stopping
early costs no false verdicts (docs/statistics.md). What has been resolved is for reports to say; it is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.planning import Plan
from ablations.runner import Outcome

OpenArms = Callable[[Path, str], Collection[str]]  # folder, grid -> the arms that a later look may resolve
Verdicts = Callable[[Path, str], Mapping[str, str | None]]  # -> each arm's verdict after all complete looks
RunPart = Callable[[Plan, Plan], Sequence[Outcome]]  # what is to run, what the manifest lists -> what ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What a folder's records say of a grid; ``verdicts`` is only for the lines that are told."""

    open_arms: OpenArms
    verdicts: Verdicts | None = None


def run_looks(plan: Plan, root: Path, *, run: RunPart, judge: Judge, say: Callable[[str], None]) -> list[Outcome]:
    """Run the looks of ``plan`` until no arm is open, or until a look is left incomplete; the outcome of every cell.

    An interrupted run begins at the first look again: what has a record is not run again, and the same arms are open.
    """
    seeds, looks = plan.schedule.seeds, plan.schedule.looks
    challengers = [arm for arm in plan.arms if arm.name != plan.grid.baseline_of(arm)]
    going, reached = {arm.name for arm in plan.arms}, {arm.name: 0 for arm in plan.arms}
    outcomes: list[Outcome] = []
    for number, look in enumerate(looks, 1):
        before, reached = reached, {arm: look if arm in going else n for arm, n in reached.items()}
        part = plan.part({arm: seeds[before[arm] : n] for arm, n in reached.items()})
        ended = run(part, plan.part({arm: seeds[:n] for arm, n in reached.items()}))
        outcomes += ended
        if len(ended) < len(part.cells):
            break
        still = set(judge.open_arms(root, plan.grid.name))
        known = judge.verdicts(root, plan.grid.name) if judge.verdicts else None
        say(f"look {number} of {len(looks)}, {look} seeds: {told([arm.name for arm in challengers], still, known)}")
        going = {name for arm in challengers if arm.name in still for name in (arm.name, plan.grid.baseline_of(arm))}
        if not going:
            break
    return outcomes


def told(arms: Sequence[str], still: Collection[str], known: Mapping[str, str | None] | None) -> str:
    """``worse: none; equivalent: add; open: linear_sum``: the arms by verdict, then those that go on."""
    groups: dict[str, list[str]] = {}
    for arm in arms:
        if arm not in still:
            word = "done" if known is None else known.get(arm) or "no verdict"
            groups.setdefault(word, []).append(arm)
    if going_on := [arm for arm in arms if arm in still]:
        groups["open"] = going_on
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in groups.items())
