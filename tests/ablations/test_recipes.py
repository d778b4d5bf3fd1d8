"""Grids over the recipe: arms and ids, what a budget makes of a text, clashes, and a run from plan to pictures."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

import cli
import variants
from ablations.budgets import load_budgets
from ablations.commands.plan import make_plan
from ablations.commands.requests import GridRequest
from ablations.recipes import recipe_training, settled
from bench.cell.identity import Cell
from bench.cell.prepared import check_recipe
from bench.checkpoints.file import read_header
from bench.config import EvaluationConfig, TrainingConfig
from bench.diffusion.prediction import EPS
from bench.machine.runtime import Runtime
from bench.trained.drawing import Drawing
from bench.trained.trained_cell import load_trained
from results.store import Store
from tests.frozen.ids import NAME, register_stand_in
from variants import plugins

GRID = 'question = "What should be predicted?"\nbaseline = "eps"\n[axes]\nprediction = ["eps", "v", "x0"]\n'
PLUGIN = """
from variants import Axis, Option

AXIS = Axis(name="rate", kind="recipe", question="?", default="usual", options=(
    Option(name="usual", formula="2e-4", recipe={"lr": 2e-4}), Option(name="high", formula="1e-3", recipe=HIGH)))
"""


def write(folder: Path, text: str = GRID, name: str = "predictions.toml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def planned(grid: str, *settings: str, budget: str = "smoke", preset: str | None = None) -> dict[str, tuple[str, str]]:
    """Variant and train_id by arm, on the data that ids are frozen on."""
    register_stand_in()
    request = GridRequest(
        grid=grid, budget=budget, dataset=NAME, device="cpu", precision="float32", settings=settings, preset=preset
    )
    plan, _ = make_plan(request)
    return {arm.name: (arm.variant, plan.members[arm.name][0][1]) for arm in plan.arms}


GOLDEN = {
    "eps": ("uvit-micro/4", "8ff1a71526108f43"),
    "v": ("uvit-micro/4+prediction=v", "b18f32f09128c41d"),
    "x0": ("uvit-micro/4+prediction=x0", "c5417e670b0a3bac"),
}


def test_ids_of_recipe_arms_never_change_and_the_default_is_the_id_of_today(tmp_path: Path) -> None:
    arms = planned(write(tmp_path))
    assert arms == GOLDEN
    assert arms["eps"] == planned("skip")["concat"]


def test_a_default_baseline_stands_once(tmp_path: Path) -> None:
    arms = planned(write(tmp_path, GRID.replace('"eps"\n', '"default"\n')))
    assert list(arms) == ["default", "v", "x0"]


def test_what_equals_the_budget_s_value_is_dropped_and_the_paper_s_default_stays_elsewhere() -> None:
    smoke = load_budgets().get("smoke")
    predicts_v = dataclasses.replace(smoke, training=smoke.training.replace({"prediction": "v"}, where="x"))
    assert settled("uvit-micro/4+prediction=eps+skip=add", smoke) == "uvit-micro/4+skip=add"
    assert settled("uvit-micro/4+prediction=eps", predicts_v) == "uvit-micro/4+prediction=eps"
    assert settled("uvit-micro/4+times=shifted+prediction=v", predicts_v) == "uvit-micro/4+times=shifted"
    training = recipe_training("uvit-micro/4+prediction=eps+times=shifted", predicts_v.training)
    assert (training.prediction, training.times) == ("eps", "shifted")


def test_under_a_budget_that_predicts_v_arms_are_the_same_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, known = write(tmp_path), planned(write(tmp_path))
    budgets = load_budgets()
    smoke = budgets.get("smoke")
    changed = dataclasses.replace(smoke, training=smoke.training.replace({"prediction": "v"}, where="x"))
    monkeypatch.setattr(budgets, "_entries", {**dict(budgets.items()), "smoke": changed})
    monkeypatch.setattr("ablations.commands.plan.load_budgets", lambda: budgets)
    arms = planned(grid)
    assert arms["v"] == ("uvit-micro/4", known["v"][1])
    assert arms["eps"] == ("uvit-micro/4+prediction=eps", known["eps"][1])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (["training.prediction=v"], r"prediction=\w+ and --set training\.prediction choose the same; leave one"),
        (["training.weighting=min_snr", "training.loss_space=x0"], r"leave training\.loss_space=x0 out"),
    ],
)
def test_clashes_are_refused_in_a_line(settings: list[str], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=reason) as error:
        planned(write(tmp_path), *settings)
    assert "\n" not in str(error.value)


def test_choices_of_two_axes_that_exclude_each_other_are_refused(tmp_path: Path) -> None:
    text = 'question = "?"\nbaseline = "a"\n[variants]\na = ""\nb = "+weighting=min_snr+loss_space=v"\n'
    with pytest.raises(ValueError, match=r"min_snr.*leave .*loss_space=v out"):
        planned(write(tmp_path, text))


def test_a_preset_may_carry_a_recipe(tmp_path: Path) -> None:
    arms = planned("skip", preset="uvit-micro/4+prediction=v")
    assert {variant.count("prediction=v") for variant, _ in arms.values()} == {1}
    assert len({train_id for _, train_id in arms.values()}) == len(arms)


@pytest.mark.parametrize(
    ("high", "reason"),
    [
        ('{"lr": 1e-3}', ""),
        ('{"lrr": 1e-3}', "unknown key 'lrr'"),
        ('{"condition": "label"}', r"training\.condition is the same for all arms of a grid; an axis cannot set it"),
    ],
)
def test_a_plugin_s_recipe_is_trained(high: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants.AXES, "_entries", dict(variants.AXES.items()))
    monkeypatch.setattr(plugins, "_loaded", {})
    variants.load_plugin(write(tmp_path, PLUGIN.replace("HIGH", high), "rate.py"))
    smoke = load_budgets().get("smoke").training
    if not reason:
        assert recipe_training("uvit-micro/4+rate=high", smoke).lr == 1e-3
        return
    with pytest.raises(ValueError, match=reason):
        recipe_training("uvit-micro/4+rate=high", smoke)


def test_a_cell_is_trained_as_its_text_says() -> None:
    base: dict[str, Any] = {"dataset": "d", "budget": "b", "evaluation": EvaluationConfig(), "seed": 0}
    check_recipe(Cell(variant="uvit-s/2+prediction=v", training=TrainingConfig(prediction="v"), **base))
    with pytest.raises(ValueError, match="is to be trained with prediction=v, and its training has eps"):
        check_recipe(Cell(variant="uvit-s/2+prediction=v", training=TrainingConfig(), **base))


def test_a_run_trains_scores_and_draws_with_the_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid, out = write(tmp_path, GRID.replace(', "x0"', "")), tmp_path / "run"
    assert cli.main(["run", grid, "--budget", "smoke", "--out", str(out), "--device", "cpu"]) == 0
    records = {record.variant: record for record in Store(out).records()[0]}
    assert sorted(records) == ["uvit-micro/4", "uvit-micro/4+prediction=v"]
    predicts_v = records["uvit-micro/4+prediction=v"]
    assert predicts_v.options == {"prediction": "v"} and predicts_v.training["prediction"] == "v"
    assert records["uvit-micro/4"].training["prediction"] == "eps"
    checkpoint = out / "checkpoints" / predicts_v.train_id
    assert read_header(next(checkpoint.glob("*.safetensors"))).prediction == "v"
    cell = load_trained(checkpoint, weights="ema", runtime=Runtime())
    told, untold = (
        each.draw(Drawing(count=2, nfe=3, sampler="dpm_solver", batch=2))
        for each in (cell, dataclasses.replace(cell, prediction=EPS))
    )
    assert told.card["prediction"] == "v" and not torch.equal(told.images, untold.images)
    assert cli.main(["report", str(out)]) == 0
    capsys.readouterr()
    assert cli.main(["list", "axes", "--json"]) == 0
    listed = {row["name"]: row["kind"] for row in json.loads(capsys.readouterr().out)}
    assert (listed["prediction"], listed["skip"]) == ("recipe", "network")
    assert listed["head_init"] == "initial weights"
