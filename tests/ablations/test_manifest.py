"""The manifest that a run leaves says what reports cannot read off a variant's text."""

from __future__ import annotations

from ablations.commands.plan import make_plan
from ablations.commands.requests import GridRequest
from ablations.planning import manifest


def test_arms_carry_their_sizes() -> None:
    plan, runtime = make_plan(GridRequest(grid="depth", budget="smoke", device="cpu"))
    arms = {arm.arm: arm.sizes for arm in manifest(plan, runtime).arms}
    assert arms == {
        "default": {"depth": 5, "width": 64, "patch": 4},
        "depth=3": {"depth": 3, "width": 64, "patch": 4},
        "depth=7": {"depth": 7, "width": 64, "patch": 4},
    }
