"""What a plan costs, before anything runs."""

from __future__ import annotations

from ablations.commands.plan import make_plan
from ablations.commands.requests import GridRequest
from ablations.planning import cost


def _sampling(*settings: str) -> int:
    request = GridRequest(grid="conv_head", budget="smoke", device="cpu", settings=("evaluation.samples=0", *settings))
    plan, _ = make_plan(request)
    return cost(plan)["sampling_macs"]


def test_validation_counts_both_weights_every_level_and_image() -> None:
    plan, _ = make_plan(GridRequest(grid="conv_head", budget="smoke", device="cpu"))
    macs = sum(cell.macs for cell in plan.cells)
    taken = 2 * 2  # after two steps and after four, of raw and EMA weights
    assert _sampling() == macs * taken * 5 * 16
    assert _sampling("evaluation.val_levels=20", "evaluation.val_images=3") == macs * taken * 20 * 3
