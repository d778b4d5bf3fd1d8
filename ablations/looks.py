"""A grid until it is known: a few seeds of every arm, then more for the arms that are still open.

The looks are planned before the first cell trains (`ablations.schedule`) and share one error rate, so that stopping
early costs no false verdicts (docs/statistics.md). What has been resolved is for reports to say; it is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ablations.arms import Arm
from ablations.planning import Plan
from ablations.runner import Outcome

OpenArms = Callable[[Path, str], Collection[str]]  # folder, grid -> the arms that no complete look has resolved
RunPart = Callable[[Plan, Plan], Sequence[Outcome]]  # what is to run, what the manifest lists -> what ended


def run_looks(
    plan: Plan, root: Path, *, run: RunPart, open_arms: OpenArms, say: Callable[[str], None]
) -> list[Outcome]:
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
        still = set(open_arms(root, plan.grid.name))
        say(f"look {number} of {len(looks)}, {look} seeds: {_told(challengers, still)}")
        going = {name for arm in challengers if arm.name in still for name in (arm.name, plan.grid.baseline_of(arm))}
        if not going:
            break
    return outcomes


def _told(challengers: Sequence[Arm], still: Collection[str]) -> str:
    if not still:
        return "every arm is resolved"
    resolved = [arm.name for arm in challengers if arm.name not in still]
    going_on = [arm.name for arm in challengers if arm.name in still]
    return f"resolved {', '.join(resolved) or 'none'}; open {', '.join(going_on)}"
