"""Fast paths against float32 eager: 200 training steps from one start, and one full sampling from one noise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bench.cell.scoring import _reference_of
from bench.config import TrainingConfig
from bench.data.load import load_cached_dataset
from bench.fid import load_extractor
from bench.machine.runtime import Runtime
from bench.sampling import sample_images
from bench.training.batches import training_batches
from bench.training.network import prepare_network
from bench.training.step import TrainState
from bench.training.validation import validation_loss
from tests.benchmarks.conftest import Note
from variants import create_model

pytestmark = [pytest.mark.bench, pytest.mark.timeout(2_400)]

VARIANT, STEPS, SAMPLES = "uvit-micro-deep/4", 200, 1_000
TRAINING = TrainingConfig(batch_size=32, lr=2e-3, warmup=200, ema_decay=0.999)
EXACT = Runtime(precision="float32", attention="fused", threads=2)
PATHS = {
    "float32 with one thread": dataclasses.replace(EXACT, threads=1),  # what rounding alone does
    "float32, plain attention": dataclasses.replace(EXACT, attention="plain"),
    "bfloat16, plain attention": dataclasses.replace(EXACT, precision="bfloat16", attention="plain"),
    "bfloat16, fused attention": dataclasses.replace(EXACT, precision="bfloat16"),
    "bfloat16, compiled": dataclasses.replace(EXACT, precision="bfloat16", attention="plain", compile=True),
    "float32, gradient checkpointing": dataclasses.replace(EXACT, gradient_checkpointing=True),
}
TRAINING_PATHS = PATHS | {"float32, in halves": dataclasses.replace(EXACT, halves=True)}


def _trained(runtime: Runtime, seed: int = 0) -> TrainState:
    runtime.apply()
    model = prepare_network(create_model(VARIANT, image_size=32, channels=3, seed=seed), runtime)
    state, photos = TrainState(model, TRAINING, runtime), load_cached_dataset("photos", None, None)
    for data in training_batches(photos, seed=seed, steps=range(STEPS), batch_size=32, device="cpu"):
        state.train_step(data.x0, data.t, data.noise)
    return state


def _val_loss(state: TrainState, runtime: Runtime, seed: int = 0) -> float:
    held_out = load_cached_dataset("photos", None, None).held_out
    assert held_out is not None
    state.model.eval()
    return validation_loss(state.model, held_out, seed=seed, images=500, runtime=runtime).scores()["val_loss"]


def detectable(differences: np.ndarray, power: float = 0.8, level: float = 0.05) -> float:
    """The smallest mean difference that a paired t test of these differences' spread and number finds."""
    from scipy.stats import t

    freedom = len(differences) - 1
    quantiles = float(t.ppf(1 - level / 2, freedom) + t.ppf(power, freedom))
    return quantiles * float(np.std(differences, ddof=1)) / len(differences) ** 0.5


def published(metric: str, weights: str) -> float:
    """A yardstick from the published grid (photos, two seeds): the least that an uncorrected test of one arm detects.

    The grid itself, whose intervals hold for four arms together, detects nothing under several times as much.
    """
    import results

    frame = results.load("results/published/photos-cpu")
    last = frame[(frame.metric == metric) & (frame.weights == weights) & (frame.step == frame.step.max())]
    values = last.pivot_table(index="seed", columns="arm", values="value")
    return min(detectable((values[arm] - values["concat"]).to_numpy()) for arm in values if arm != "concat")


def test_200_steps_of_every_path(note: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.training.step.SMALLEST", 2)
    exact = _trained(EXACT)
    reference = _val_loss(exact, EXACT)
    note("val_loss after 200 steps, float32 eager", reference, unit="")
    for name, runtime in TRAINING_PATHS.items():
        off = abs(_val_loss(_trained(runtime), runtime) / reference - 1)
        note(f"200 steps, {name}: val_loss off by", 100 * off, unit="%")
        assert off < 0.01


def test_a_full_sampling_of_every_path(note: Note) -> None:
    """The same weights, noise, solver and scoring; only the path of the sampling differs."""
    state, extractor = _trained(EXACT), load_extractor("effnet-lite0")
    reference = _reference_of(load_cached_dataset("photos", None, None).train, extractor, 0)
    distances = {name: _distance(state, runtime, extractor, reference) for name, runtime in PATHS.items()}
    exact, effect = _distance(state, EXACT, extractor, reference), published("fd_effnet_lite0_1k", "ema")
    note("Fréchet distance of 1,000 samples, float32 eager", exact, unit="")
    note("Fréchet effect that one arm's uncorrected test detects", effect, unit="")
    for name, value in distances.items():
        off = abs(value - exact)
        note(f"sampling, {name}: distance off by", 100 * off / effect, unit="% of that", detail=f"{off:.2g}")
        assert off < 0.1 * effect


def _distance(state: TrainState, runtime: Runtime, extractor: object, reference: object) -> float:
    from bench.fid import score_images

    runtime.apply()
    model = prepare_network(state.model, runtime).eval()
    images = sample_images(
        model, count=SAMPLES, shape=(3, 32, 32), seed=0, sampler="dpm_solver", nfe=20, runtime=runtime
    )
    (scored,) = score_images(images, reference=reference, extractor=extractor, metrics=("frechet",))  # type: ignore[arg-type]
    return scored.value
