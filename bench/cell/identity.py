"""A cell (variant x dataset x budget x seed), its ids, and the scores that its budget asks for. No torch here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.config import EvaluationConfig, TrainingConfig

if TYPE_CHECKING:
    from bench.data import Dataset
    from variants.config import ModelConfig

ID_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One training and its scores. ``training.precision`` is resolved, never ``auto``.

    ``repeat`` is 0, or the number of a repetition of the same seed, whose initial weights are moved by one unit in the
    last place: it has its cell's id, and files of its own.
    """

    variant: str
    dataset: str
    budget: str
    training: TrainingConfig
    evaluation: EvaluationConfig
    seed: int
    repeat: int = 0

    @property
    def told_seed(self) -> str:
        """The seed in words, and a repeat's number."""
        return f"seed {self.seed}" + (f" repeat {self.repeat}" if self.repeat else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePoint:
    """One evaluation of one cell: which weights at which step, and how images are drawn from them."""

    step: int
    weights: str
    samples: int
    sampler: str
    nfe: int


def digest(content: Any) -> str:
    """The first 16 hex digits of SHA-256 over canonical JSON (sorted keys, no spaces, ASCII)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def train_id(cell: Cell, model: ModelConfig, dataset: Dataset) -> str:
    """The id of a training: everything that its weights depend on, and no path, device or log interval."""
    assert cell.training.precision != "auto", "precision is resolved before the id is taken"
    training = cell.training.identity()
    training.pop("image_size", None)  # the model's configuration has it
    if cell.training.loss_space == cell.training.prediction:  # the output's own space, said in other words
        training.pop("loss_space", None)
    data = {"fingerprint": dataset.fingerprint, "flip": dataset.flip}
    # what a network does not have (0, False) leaves no trace, so that a feature added later changes no id
    network = {key: value for key, value in model.identity().items() if value not in (0, False)}
    return digest({"model": network, "data": data, "training": training, "seed": cell.seed})


def score_id(train: str, point: ScorePoint, evaluation: EvaluationConfig, *, decoder: str = "") -> str:
    """The id of one evaluation's scores; scoring again never trains again. ``decoder`` is the hash of latents'."""
    decoded = {"decoder": decoder} if decoder else {}
    return digest(
        decoded
        | {
            "train_id": train,
            "step": point.step,
            "weights": point.weights,
            "sampler": point.sampler,
            "nfe": point.nfe,
            "guidance": guidance_weight(evaluation),
            "count": point.samples,
            "extractor": evaluation.extractor,
            "reference_count": evaluation.reference_count,
            "metrics": sorted(evaluation.metrics),
        }
    )


def guidance_weight(evaluation: EvaluationConfig) -> float:
    """w in u + w (c - u), as most of the field writes guidance: 1 is none; the paper's scale s is w - 1."""
    return 1.0 + evaluation.guidance


def validation_id(train: str, *, step: int, weights: str, images: int, levels: int = 5) -> str:
    """The id of one validation loss; five noise levels, the first there were, leave no trace in it."""
    more = {} if levels == 5 else {"val_levels": levels}
    return digest({"train_id": train, "step": step, "weights": weights, "val_images": images} | more)


def score_points(evaluation: EvaluationConfig, steps: int) -> list[ScorePoint]:
    """The sample-based evaluations that a budget asks for, in order of step; none when it draws no samples."""
    points = []
    for step in _every(evaluation.every, steps):
        for weights in evaluation.weights:
            if evaluation.samples:
                points.append(_point(step, weights, evaluation.samples, evaluation.sampler, evaluation.nfe))
            if step == steps and evaluation.final_samples:
                points.append(
                    _point(step, weights, evaluation.final_samples, evaluation.final_sampler, evaluation.final_nfe)
                )
    if evaluation.samples:
        points += [
            _point(steps, weights, evaluation.samples, draw.sampler, draw.nfe)
            for weights in evaluation.weights
            for draw in evaluation.sweep_draws
        ]
    return list(dict.fromkeys(points))  # the sweep may hold what the budget draws anyway


def validation_steps(evaluation: EvaluationConfig, steps: int) -> list[int]:
    """The steps after which ``val_loss`` is taken, always the last among them."""
    return _every(evaluation.val_every or evaluation.every, steps)


def _every(interval: int, steps: int) -> list[int]:
    return sorted({*(range(interval, steps + 1, interval) if interval else ()), steps})


def _point(step: int, weights: str, samples: int, sampler: str, nfe: int) -> ScorePoint:
    return ScorePoint(step=step, weights=weights, samples=samples, sampler=sampler, nfe=nfe)
