"""The manifest that a run leaves says what reports cannot read off a variant's text."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablations.commands.plan import make_plan, plan_rows, print_plan
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


def test_blocks_stand_in_the_manifest_and_under_a_budget_that_has_one_of_them() -> None:
    plan, runtime = make_plan(GridRequest(grid="skip-prediction", budget="smoke", device="cpu", match="params"))
    made = manifest(plan, runtime)
    assert (made.within, made.baseline) == ("prediction", "concat")
    variants = {arm.arm: (arm.block, arm.variant) for arm in made.arms}
    assert variants["eps/concat"] == ("eps", "uvit-micro/4"), "what the budget does anyway is left out of the text"
    assert variants["v/add"] == ("v", "uvit-micro/4+prediction=v+skip=add")
    sized = {arm.arm: arm.residual for arm in made.arms if arm.match}
    assert set(sized) == {
        f"{b}/{a}~params" for b in ("eps", "v", "x0") for a in ("add", "none", "linear_skip", "linear_sum")
    }
    assert sized["eps/add~params"] == sized["v/add~params"] != 0
    text = plan_rows(plan)
    assert text["within"] == "prediction"
    assert text["arms"][0] == {"arm": "eps/concat", "variant": "uvit-micro/4", "block": "eps"}


def test_the_plan_says_which_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    plan, _ = make_plan(GridRequest(grid="skip-prediction", budget="smoke", device="cpu"))
    print_plan(plan)
    assert "against concat of the same prediction; blocks eps, v, x0" in " ".join(capsys.readouterr().out.split())


PAIR = 'question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat", "none"]\n'


def test_blocks_that_train_the_same_under_different_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.toml"
    path.write_text(PAIR + '[within]\nloss_space = ["own", "eps"]\n')
    with pytest.raises(ValueError, match="own/concat and eps/concat are the same training; leave own or eps out"):
        make_plan(GridRequest(grid=str(path), budget="smoke", device="cpu"))


def test_arms_are_sized_to_the_baseline_of_their_own_block(tmp_path: Path) -> None:
    path = tmp_path / "sized.toml"
    path.write_text(PAIR + '[within]\ntime = ["token", "adaln"]\n')
    plan, _ = make_plan(GridRequest(grid=str(path), budget="smoke", device="cpu", match="params"))
    params = {arm.name: next(p.params for p in plan.cells if p.cell.variant == arm.variant) for arm in plan.arms}
    assert params["adaln/concat"] > 1.2 * params["token/concat"]
    for block in ("token", "adaln"):
        assert abs(params[f"{block}/none~params"] / params[f"{block}/concat"] - 1) < 0.01
