"""Budget sections: text and TOML in, one-line errors, and identities that leave defaults out."""

import dataclasses
from typing import Any

import pytest

from bench.config import EvaluationConfig, TrainingConfig


def test_text_and_plain_values_set_the_same_fields() -> None:
    text = TrainingConfig.from_mapping({"steps": "1_000", "lr": "2e-3", "betas": "0.9,0.95"}, where="training")
    plain = TrainingConfig.from_mapping({"steps": 1000, "lr": 2e-3, "betas": [0.9, 0.95]}, where="training")
    assert text == plain == TrainingConfig(steps=1000, lr=2e-3, betas=(0.9, 0.95))
    assert EvaluationConfig.from_mapping({"weights": "raw,ema"}, where="evaluation").weights == ("raw", "ema")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stepz": 1}, "training: unknown key 'stepz'; known: steps, batch_size"),
        ({"steps": 0}, "training.steps: expected at least 1, got 0"),
        ({"steps": -5}, "training.steps: expected at least 1, got -5"),
        ({"steps": "many"}, "training.steps: expected a whole number, got 'many'"),
        ({"steps": 1.5}, "training.steps: expected a whole number, got 1.5"),
        ({"steps": "inf"}, "training.steps: expected a whole number, got 'inf'"),
        ({"lr": 0}, "training.lr: expected more than 0, got 0.0"),
        ({"lr": True}, "training.lr: expected a number, got True"),
        ({"lr": "nan"}, "training.lr: expected a number, got 'nan'"),
        ({"ema_decay": 1}, "training.ema_decay: expected a number in [0, 1), got 1.0"),
        ({"betas": "0.9"}, "training.betas: expected 2 values separated by commas, got '0.9'"),
        ({"p_uncond": 1}, "training.p_uncond: expected a number in [0, 1), got 1.0"),
        ({"p_uncond": -0.1}, "training.p_uncond: expected a number in [0, 1), got -0.1"),
        ({"cooldown": -0.1}, "training.cooldown: expected at least 0, got -0.1"),
        (
            {"cooldown": 0.5, "steps": 100, "warmup": 60},
            "training.cooldown: expected at most 0.4, the share of 100 steps that 60 of warm-up leave; got 0.5",
        ),
        ({"cooldown": 0.1, "steps": 100, "warmup": 200}, "training.cooldown: expected at most 0, the share"),
        ({"process": "edm"}, "training.process: expected one of 'vp', 'sd', 'flow'; got 'edm'"),
        ({"precision": "fp8"}, "training.precision: expected one of 'auto', 'float32', 'bfloat16'; got 'fp8'"),
    ],
)
def test_wrong_training_values_are_refused_in_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        TrainingConfig.from_mapping(values, where="training")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"samples": 1}, "evaluation.samples: expected 0 or at least 2"),
        ({"samples": -1}, "evaluation.samples: expected at least 0, got -1"),
        ({"val_images": 0}, "evaluation.val_images: expected at least 1, got 0"),
        ({"val_levels": 10}, "evaluation.val_levels: expected 5 or 20, got 10"),
        ({"weights": []}, "evaluation.weights: expected at least one of 'raw', 'ema'"),
        ({"weights": "last"}, "evaluation.weights: expected one of 'raw', 'ema'; got 'last'"),
        ({"nfe": 0}, "evaluation.nfe: expected at least 1, got 0"),
        ({"guidance": -0.5}, "evaluation.guidance: expected at least 0, got -0.5"),
    ],
)
def test_wrong_evaluation_values_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(").replace("[", r"\[")[:60]):
        EvaluationConfig.from_mapping(values, where="evaluation")


def test_a_cooldown_fills_what_warm_up_leaves() -> None:
    in_floats_a_little_more = {"cooldown": 0.7, "steps": 10, "warmup": 3}
    for values in ({"cooldown": 1, "warmup": 0}, {"steps": 1}, in_floats_a_little_more):
        TrainingConfig.from_mapping(values, where="training")


def test_identity_holds_only_what_differs_from_the_defaults() -> None:
    assert TrainingConfig().identity() == {}
    assert TrainingConfig(steps=7, betas=(0.9, 0.9)).identity() == {"steps": 7, "betas": [0.9, 0.9]}


def test_every_field_is_checked_by_its_type() -> None:
    for section in (TrainingConfig, EvaluationConfig):
        for field in dataclasses.fields(section):
            with pytest.raises(ValueError, match=field.name):
                section.from_mapping({field.name: object()}, where="x")
