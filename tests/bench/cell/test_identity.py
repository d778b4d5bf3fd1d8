"""Ids written down: a change that moves one of them would orphan every record that people have."""

from typing import Any

import numpy as np
import pytest

from bench.cell.identity import Cell, ScorePoint, score_id, train_id, validation_id
from bench.config import EvaluationConfig, TrainingConfig
from bench.data import Dataset, Split
from variants import resolve

TRAINING = TrainingConfig(precision="float32")


def _dataset(fingerprint: str = "ab" * 32, *, flip: bool = True) -> Dataset:
    split = Split(name="d:train", fingerprint=fingerprint, images=np.zeros((1, 3, 32, 32), np.uint8))
    return Dataset(
        name="d", train=split, held_out=None, num_classes=0, channels=3, image_size=32, flip=flip,
        fingerprint=fingerprint, card={},
    )  # fmt: skip


def _id(variant: str, training: TrainingConfig = TRAINING, seed: int = 0, dataset: Dataset | None = None) -> str:
    cell = Cell(variant=variant, dataset="d", budget="b", training=training, evaluation=EvaluationConfig(), seed=seed)
    return train_id(cell, resolve(variant, image_size=32, channels=3), dataset or _dataset())


@pytest.mark.parametrize(
    ("variant", "training", "seed", "golden"),
    [
        ("uvit-s/2", TRAINING, 0, "3ce4082850933d2d"),
        ("uvit-s/2+skip=add+time=adaln", TRAINING, 3, "08db8788088d12d0"),
        ("uvit-nano/4", TrainingConfig(steps=650, lr=2e-3, precision="bfloat16"), 0, "7a37d256ee8802ee"),
    ],
)
def test_train_ids_never_change(variant: str, training: TrainingConfig, seed: int, golden: str) -> None:
    assert _id(variant, training, seed) == golden


def test_the_process_is_part_of_the_id_unless_it_is_the_default() -> None:
    assert _id("uvit-s/2", TrainingConfig(precision="float32", process="vp")) == _id("uvit-s/2")
    assert _id("uvit-s/2", TrainingConfig(precision="float32", process="sd")) != _id("uvit-s/2")


def test_score_ids_never_change() -> None:
    point = ScorePoint(step=50_000, weights="ema", samples=10_000, sampler="dpm_solver", nfe=50)
    assert score_id("0" * 16, point, EvaluationConfig()) == "0092f5cdba01c9d4"
    assert validation_id("0" * 16, step=50_000, weights="raw", images=500) == "6adda1b494c6f81b"
    assert validation_id("0" * 16, step=50_000, weights="raw", images=500, levels=5) == "6adda1b494c6f81b"
    assert validation_id("0" * 16, step=50_000, weights="raw", images=500, levels=20) == "5bb6aeea93666362"


def test_the_datasets_content_and_flips_are_part_of_the_id() -> None:
    ids = {_id("uvit-s/2", dataset=data) for data in (_dataset(), _dataset("cd" * 32), _dataset(flip=False))}
    assert len(ids) == 3


def test_every_part_of_an_evaluation_is_part_of_the_score_id() -> None:
    base = ScorePoint(step=1, weights="ema", samples=10, sampler="ddim", nfe=5)
    points = [
        base,
        ScorePoint(step=2, weights="ema", samples=10, sampler="ddim", nfe=5),
        ScorePoint(step=1, weights="raw", samples=10, sampler="ddim", nfe=5),
        ScorePoint(step=1, weights="ema", samples=11, sampler="ddim", nfe=5),
        ScorePoint(step=1, weights="ema", samples=10, sampler="dpm_solver", nfe=5),
        ScorePoint(step=1, weights="ema", samples=10, sampler="ddim", nfe=6),
    ]
    evaluations = [
        EvaluationConfig(extractor="effnet-lite0"),
        EvaluationConfig(reference_count=100),
        EvaluationConfig(metrics=("frechet",)),
    ]
    ids = {score_id("0" * 16, point, EvaluationConfig()) for point in points}
    ids |= {score_id("0" * 16, base, evaluation) for evaluation in evaluations}
    ids.add(score_id("1" * 16, base, EvaluationConfig()))
    assert len(ids) == len(points) + len(evaluations) + 1
    same = EvaluationConfig(every=7, val_every=3, sample_batch=9)
    assert score_id("0" * 16, base, same) == score_id("0" * 16, base, EvaluationConfig())


@pytest.mark.parametrize(
    ("recipe", "golden"),
    [
        ({"prediction": "v"}, "bc6b2caede0b2922"),
        ({"prediction": "edm", "times": "logit_normal"}, "dba831d27830401d"),
        ({"weighting": "min_snr"}, "b24b71899570c29f"),
        ({"cooldown": 0.2}, "6396bd11f2eb8140"),
    ],
)
def test_ids_of_recipes_never_change(recipe: dict[str, Any], golden: str) -> None:
    assert _id("uvit-s/2", TrainingConfig(precision="float32", **recipe)) == golden


def test_the_paper_s_recipe_is_part_of_no_id_and_a_space_named_twice_of_none_either() -> None:
    defaults = {"prediction": "eps", "loss_space": "own", "weighting": "none", "times": "uniform", "cooldown": 0.0}
    assert _id("uvit-s/2", TrainingConfig(precision="float32", **defaults)) == _id("uvit-s/2")  # type: ignore[arg-type]
    own, named, other = (
        _id("uvit-s/2", TrainingConfig(precision="float32", prediction="v", loss_space=space))  # type: ignore[arg-type]
        for space in ("own", "v", "eps")
    )
    assert own == named != other
