"""Budgets: the paper's figures, and ``--set``."""

import pytest

from ablations.budgets import _budget, load_budgets
from ablations.commands.plan import schedule_of
from ablations.commands.requests import GridRequest


def test_the_paper_budget_is_the_papers() -> None:
    budget = load_budgets().get("paper")
    training, evaluation = budget.training, budget.evaluation
    assert budget.preset == "uvit-s/2"
    assert (training.steps, training.batch_size, training.lr, training.weight_decay) == (500_000, 128, 2e-4, 0.03)
    assert (training.betas, training.warmup, training.ema_decay) == ((0.99, 0.999), 2_500, 0.9999)
    assert (evaluation.every, evaluation.samples, evaluation.sampler, evaluation.nfe) == (
        50_000,
        10_000,
        "dpm_solver",
        50,
    )
    assert (evaluation.final_samples, evaluation.final_sampler, evaluation.final_nfe) == (
        50_000,
        "euler_maruyama",
        1_000,
    )
    assert evaluation.extractor == "inception"


def test_all_budgets_of_the_design_are_there() -> None:
    budgets = load_budgets()
    assert {"paper", "short", "cpu", "demo", "smoke"} <= set(budgets.names())
    assert (budgets.get("short").training.steps, budgets.get("short").evaluation.every) == (50_000, 10_000)
    for name, before in (("cpu", "cpu-eps"), ("demo", "demo-eps")):
        now, old = budgets.get(name), budgets.get(before)
        assert (now.preset, now.endpoint.metric, now.endpoint.margin) == ("uvit-nano-init/2", "speed", 1.10)
        assert now.training.prediction == "edm" and now.evaluation.val_levels == 20
        assert (old.endpoint.metric, old.training.prediction) == ("val_loss", "eps")
    steps, every = budgets.get("cpu").training.steps, budgets.get("cpu").evaluation.val_every
    assert steps % every == 0 and steps // every >= 16, "a curve where training losses do not compare"


def test_budgets_that_are_judged_by_speed_start_behind_the_seeds_that_shaped_them() -> None:
    for name, budget in load_budgets().items():
        assert budget.first_seed == (100 if budget.endpoint.metric == "speed" else 0), name
        assert budget.seeds == (3 if budget.endpoint.metric == "speed" else 1), name


def test_a_budgets_seeds_are_a_default() -> None:
    table = {"about": "", "preset": "uvit-s/2", "training": {}, "evaluation": {}, "endpoint": {"metric": "speed"}}
    budget = _budget("fast", table | {"first_seed": 100, "seeds": 3})
    assert schedule_of(GridRequest(grid="skip", seeds=2), budget).seeds == (100, 101)
    assert schedule_of(GridRequest(grid="skip"), budget).seeds == (100, 101, 102)
    assert schedule_of(GridRequest(grid="skip", seeds=2, first_seed=0), budget).seeds == (0, 1)
    assert schedule_of(GridRequest(grid="skip"), _budget("old", table)).seeds == (0,)
    looks = schedule_of(GridRequest(grid="skip", until_resolved=True), budget)
    assert (looks.seeds, looks.looks) == (tuple(range(100, 112)), (3, 6, 12))


def test_a_setting_changes_one_field_only() -> None:
    smoke = load_budgets().get("smoke")
    changed = smoke.with_settings(["training.steps=7", "evaluation.weights=raw,ema"])
    assert changed.training.steps == 7
    assert changed.evaluation.weights == ("raw", "ema")
    assert changed.training.lr == smoke.training.lr


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.stepz=1", "training: unknown key 'stepz'"),
        ("steps=1", "expected training.KEY=VALUE or evaluation.KEY=VALUE"),
        ("training.steps", "expected training.KEY=VALUE"),
        ("model.depth=3", "expected training.KEY=VALUE"),
        ("training.steps=-1", "training.steps: expected at least 1, got -1"),
        ("evaluation.samples=-3", "evaluation.samples: expected at least 0, got -3"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        load_budgets().get("smoke").with_settings([setting])
    assert message in str(caught.value)
