"""val_loss: fixed images, times and noise, five bins, and known values for known networks."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.data import Split
from bench.diffusion import VPSDE, SDSchedule
from bench.diffusion.noise_levels import BINS, LEVELS, level_edges
from bench.machine.runtime import Runtime
from bench.random import block_noise
from bench.training.validation import validation_loss, validation_times

SHAPE = (1, 4, 4)
IMAGES = 70  # more than a block of noise, fewer than the split has


class Known(nn.Module):
    """Answers with a constant, and remembers what it was asked."""

    def __init__(self, answer: float = 0.0) -> None:
        super().__init__()
        self.answer, self.times, self.seen = answer, list[Tensor](), list[Tensor]()

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        self.times.append(timesteps)
        self.seen.append(x)
        return torch.full_like(x, self.answer)


def _split(size: int = 80) -> Split:
    images = np.random.default_rng(0).integers(0, 256, (size, *SHAPE), dtype=np.uint8)
    return Split(name="t:held_out", fingerprint="0" * 64, images=images)


def _loss(model: nn.Module, *, seed: int = 0, size: int = 80, batch_size: int = 32) -> dict[str, float]:
    losses = validation_loss(model, _split(size), seed=seed, images=IMAGES, runtime=Runtime(), batch_size=batch_size)
    return losses.scores()


def test_a_network_that_answers_zero_scores_the_noise_itself() -> None:
    values = _loss(Known())
    for level in range(BINS):
        noise = block_noise(0, "val_noise", start=level * IMAGES, count=IMAGES, shape=SHAPE)
        assert values[f"val_loss_bin{level + 1}"] == pytest.approx(float(noise.square().mean()), rel=1e-5)
    assert values["val_loss"] == pytest.approx(np.mean([values[f"val_loss_bin{i}"] for i in range(1, 6)]))


def test_bins_are_five_equal_parts_with_the_noisiest_last() -> None:
    times = validation_times(3, 1000)
    assert times.dtype == np.float32
    for level in range(BINS):
        low, high = 0.001 + 0.998 * level / 5, 0.001 + 0.998 * (level + 1) / 5
        assert low <= times[level].min() < low + 0.01
        assert high - 0.01 < times[level].max() <= high


def test_the_network_is_asked_at_network_times() -> None:
    model = Known()
    _loss(model)
    assert np.allclose(torch.cat(model.times).numpy(), 999 * validation_times(0, IMAGES).reshape(-1), rtol=1e-6)


def test_the_discrete_process_is_validated_at_its_steps() -> None:
    model = Known()
    validation_loss(model, _split(), seed=0, images=IMAGES, runtime=Runtime(), process=SDSchedule())
    steps = torch.cat(model.times)
    assert torch.allclose(steps, steps.round(), atol=1e-3)
    assert np.allclose(steps.numpy(), np.floor(1000 * validation_times(0, IMAGES).reshape(-1)) + 1, atol=1e-3)


def test_batch_size_changes_nothing_and_the_seed_changes_times_and_noise_only() -> None:
    assert _loss(Known(0.3), batch_size=7) == pytest.approx(_loss(Known(0.3), batch_size=64), rel=1e-6)
    assert _loss(Known(), seed=1) != _loss(Known(), seed=0)


def test_images_are_used_once_before_any_is_used_twice() -> None:
    levels = np.arange(0, 250, 25, dtype=np.uint8)
    images = np.broadcast_to(levels[:, None, None, None], (10, *SHAPE)).copy()
    model = Known()
    split = Split(name="t:held_out", fingerprint="0" * 64, images=images)
    validation_loss(model, split, seed=0, images=30, runtime=Runtime())
    alpha, sigma = (v.view(-1, 1, 1, 1) for v in VPSDE().marginal(torch.from_numpy(validation_times(0, 30)[0])))
    noise = block_noise(0, "val_noise", start=0, count=30, shape=SHAPE)
    clean = ((model.seen[0] - sigma * noise) / alpha).mean(dim=(1, 2, 3))
    found = ((clean + 1) * 127.5 / 25).round().int().tolist()
    assert sorted(found[:10]) == sorted(found[10:20]) == list(range(10))


def test_times_of_twenty_levels_are_even_and_average_to_the_middles() -> None:
    edges = level_edges()
    times = validation_times(0, IMAGES, LEVELS)
    assert times.shape == (LEVELS, IMAGES) and times.dtype == np.float32
    middles = (edges[1:] + edges[:-1]) / 2
    assert times.astype(np.float64).mean(axis=1) == pytest.approx(middles, abs=1e-8)
    gaps = np.diff(np.sort(times.astype(np.float64).reshape(-1)))
    assert gaps == pytest.approx(0.998 / (LEVELS * IMAGES), rel=1e-2)  # float32 rounds a time by 3e-8


def test_the_seed_moves_no_time_of_twenty_levels_but_gives_it_to_another_image() -> None:
    first, second = (validation_times(seed, IMAGES, LEVELS) for seed in (0, 1))
    assert np.array_equal(np.sort(first), np.sort(second))
    assert not np.array_equal(first, second)
    ranks = np.argsort(first, axis=1)
    assert len(np.unique(ranks, axis=0)) == LEVELS  # each level has its own permutation
    assert np.array_equal(first, validation_times(0, IMAGES, LEVELS))


def test_twenty_levels_have_noise_of_their_own_and_four_are_a_bin() -> None:
    losses = validation_loss(Known(), _split(), seed=0, images=IMAGES, levels=LEVELS, runtime=Runtime(), batch_size=32)
    for level, loss in enumerate(losses.levels):
        noise = block_noise(0, "val_noise", start=level * IMAGES, count=IMAGES, shape=SHAPE)
        assert loss == pytest.approx(float(noise.square().mean()), rel=1e-5)
    scores = losses.scores()
    for number in range(BINS):
        own = losses.levels[4 * number : 4 * number + 4]
        assert scores[f"val_loss_bin{number + 1}"] == pytest.approx(np.mean(own), rel=1e-12)
    assert scores["val_loss"] == pytest.approx(np.mean(losses.levels), rel=1e-12)
    assert len(scores) == 1 + BINS


def test_twenty_levels_see_every_image_before_any_twice() -> None:
    values = np.arange(0, 250, 5, dtype=np.uint8)
    images = np.broadcast_to(values[:, None, None, None], (50, *SHAPE)).copy()
    model, split = Known(), Split(name="t:held_out", fingerprint="0" * 64, images=images)
    validation_loss(model, split, seed=0, images=5, levels=LEVELS, runtime=Runtime())
    times, found = validation_times(0, 5, LEVELS), []
    for level, seen in enumerate(model.seen[:12]):  # noisier images hide what they are of
        alpha, sigma = (v.view(-1, 1, 1, 1) for v in VPSDE().marginal(torch.from_numpy(times[level])))
        noise = block_noise(0, "val_noise", start=level * 5, count=5, shape=SHAPE)
        clean = ((seen - sigma * noise) / alpha).mean(dim=(1, 2, 3))
        found += ((clean + 1) * 127.5 / 5).round().int().tolist()
    assert sorted(found[:50]) == list(range(50))
    assert found[50:60] == found[:10]


@pytest.mark.parametrize("levels", [BINS, LEVELS])
def test_levels_do_not_depend_on_the_batch(levels: int) -> None:
    def losses(size: int) -> list[float]:
        given = {"seed": 0, "images": IMAGES, "levels": levels}
        return validation_loss(Known(0.3), _split(), **given, runtime=Runtime(), batch_size=size).levels  # type: ignore[arg-type]

    assert losses(7) == pytest.approx(losses(64), rel=1e-6)
