"""The paper's training settings as budgets: docs/paper.md section 2, written out once more, and their plans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cli
from ablations.budgets import load_budgets
from bench.conditions.choice import check_settings

# preset, thousands of steps, batch, lr, betas, warm-up, process, condition, p_uncond, guidance
TRAINING: dict[str, tuple[Any, ...]] = {
    "paper": ("uvit-s/2", 500, 128, 2e-4, (0.99, 0.999), 2_500, "vp", "none", 0.0, 0.0),
    "celeba64": ("uvit-s/4", 500, 128, 2e-4, (0.99, 0.99), 5_000, "vp", "none", 0.0, 0.0),
    "imagenet64-m": ("uvit-m/4", 300, 1_024, 3e-4, (0.99, 0.99), 5_000, "vp", "label", 0.0, 0.0),
    "imagenet64-l": ("uvit-l/4", 300, 1_024, 3e-4, (0.99, 0.99), 5_000, "vp", "label", 0.0, 0.0),
    "imagenet256-l": ("uvit-l/2", 300, 1_024, 2e-4, (0.99, 0.99), 5_000, "vp", "label", 0.15, 0.4),
    "imagenet256-h": ("uvit-h/2", 500, 1_024, 2e-4, (0.99, 0.99), 5_000, "sd", "label", 0.1, 0.4),
    "imagenet512-l": ("uvit-l/4", 500, 1_024, 2e-4, (0.99, 0.99), 5_000, "vp", "label", 0.15, 0.7),
    "imagenet512-h": ("uvit-h/4", 500, 1_024, 2e-4, (0.99, 0.99), 5_000, "sd", "label", 0.1, 0.7),
    "coco": ("uvit-s/2", 1_000, 256, 2e-4, (0.9, 0.9), 5_000, "sd", "text", 0.1, 1.0),
    "coco-deep": ("uvit-s-deep/2", 1_000, 256, 2e-4, (0.9, 0.9), 5_000, "sd", "text", 0.1, 1.0),
}
# the sampler during training, the final one, its evaluations and images
SCORES: dict[str, tuple[str, str, int, int]] = {
    "paper": ("dpm_solver", "euler_maruyama", 1_000, 50_000),
    "celeba64": ("dpm_solver", "euler_maruyama", 1_000, 50_000),
    "imagenet64-m": ("dpm_solver", "dpm_solver", 50, 50_000),
    "imagenet64-l": ("dpm_solver", "dpm_solver", 50, 50_000),
    "imagenet256-l": ("dpm_solver", "dpm_solver", 50, 50_000),
    "imagenet256-h": ("dpm_solver_pp", "dpm_solver_pp", 50, 50_000),
    "imagenet512-l": ("dpm_solver", "dpm_solver", 50, 50_000),
    "imagenet512-h": ("dpm_solver_pp", "dpm_solver_pp", 50, 50_000),
    "coco": ("dpm_solver_pp", "dpm_solver_pp", 50, 30_000),
    "coco-deep": ("dpm_solver_pp", "dpm_solver_pp", 50, 30_000),
}


@pytest.mark.parametrize("name", TRAINING)
def test_training_is_the_papers(name: str) -> None:
    budget = load_budgets().get(name)
    t, e = budget.training, budget.evaluation
    assert TRAINING[name] == (
        budget.preset,
        t.steps / 1_000,
        t.batch_size,
        t.lr,
        t.betas,
        t.warmup,
        t.process,
        t.condition,
        t.p_uncond,
        e.guidance,
    )
    assert (t.weight_decay, t.ema_decay) == (0.03, 0.9999)
    check_settings(t, e)


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_the_papers(name: str) -> None:
    e = load_budgets().get(name).evaluation
    assert (e.sampler, e.final_sampler, e.final_nfe, e.final_samples) == SCORES[name]
    assert (e.every, e.samples, e.nfe, e.extractor, e.weights) == (50_000, 10_000, 50, "inception", ("ema",))


@pytest.mark.parametrize("name", [name for name in TRAINING if TRAINING[name][7] != "text"])
def test_a_grid_can_be_planned(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    side = 32 if load_budgets().get(name).preset.endswith("/2") else 64
    images = np.zeros((8, side, side, 3), np.uint8)
    images[:, 0, 0, 0] = range(8)
    np.savez(tmp_path / "few.npz", images=images, labels=np.arange(8) % 4)
    dataset = f"npz:{tmp_path / 'few.npz'}"
    assert cli.main(["plan", "conv_head", "--budget", name, "--dataset", dataset, "--device", "cpu", "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert len(cells) == 3
    assert {cell["variant"].split("+")[0] for cell in cells} == {TRAINING[name][0]}
