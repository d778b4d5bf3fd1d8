"""Which condition a training asks for: the one file that knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.conditions.base import Condition
from bench.conditions.labels import Labels

if TYPE_CHECKING:
    from bench.config import EvaluationConfig, TrainingConfig
    from bench.data import Dataset


def condition_of(training: TrainingConfig, dataset: Dataset) -> Condition:
    """The condition that ``training`` asks for on ``dataset``; ValueError where the dataset cannot give it."""
    if training.condition == "none":
        return Condition()
    if training.condition == "text":
        from bench.conditions.text import text_condition

        return text_condition(training, dataset)
    if dataset.train.labels is None or not dataset.num_classes:
        raise ValueError(
            f"training.condition=label: dataset {dataset.name} has no labels; take one with classes (cifar10, a folder "
            "with a subfolder for each class), or leave the condition out"
        )
    return Labels(num_classes=dataset.num_classes, null_label=training.p_uncond > 0, p_uncond=training.p_uncond)


def check_settings(training: TrainingConfig, evaluation: EvaluationConfig) -> None:
    """Raise ValueError where conditions are dropped that are not there, or guidance has nothing to push away from."""
    if training.p_uncond and training.condition == "none":
        raise ValueError(
            f"training.p_uncond={training.p_uncond}: an unconditional training has nothing to drop; set "
            "training.condition=label as well"
        )
    if evaluation.guidance and training.condition == "none":
        raise ValueError(
            f"evaluation.guidance={evaluation.guidance}: an unconditional network cannot be guided; set "
            "training.condition=label and training.p_uncond=0.1 as well"
        )
    if evaluation.guidance and not training.p_uncond:
        raise ValueError(
            f"evaluation.guidance={evaluation.guidance}: guidance needs a network that also learns without its "
            "condition; set training.p_uncond=0.1 as well"
        )
