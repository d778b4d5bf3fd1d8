"""The filter's closed-form loss against filters and losses written in other ways, on images that were noised."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from bench.data import Split
from bench.data.dataset import Moments
from bench.diffusion import PROCESSES
from bench.diffusion.convergence.gaussian import Gaussian
from bench.linear_filter.moments import Array, coefficient_moments
from bench.linear_filter.wiener import COLOURS, WienerFilter

C, H, W = 2, 3, 4
SIZE = C * H * W
TIMES = (0.05, 0.3, 0.7)


def _smooth(count: int, seed: int, share: float = 0.6) -> npt.NDArray[np.uint8]:
    """Images whose neighbouring pixels and channels are alike, of a mean that varies over the image."""
    generator = np.random.default_rng(seed)
    images = generator.standard_normal((count, C, H, W))
    images = images.cumsum(-1) + generator.standard_normal((count, 1, H, 1)) + share * generator.standard_normal(1)
    levels = 100 + 20 * np.arange(W) + 25 * images
    return levels.round().clip(0, 255).astype(np.uint8)


def _split(images: npt.NDArray[np.uint8]) -> Split:
    return Split(name="t:train", fingerprint="0" * 64, images=images)


def _unit(images: npt.NDArray[np.uint8]) -> Array:
    return images / 127.5 - 1


@pytest.fixture(scope="module")
def training() -> npt.NDArray[np.uint8]:
    return _smooth(2_000, 0)


@pytest.fixture(scope="module")
def held_out() -> npt.NDArray[np.uint8]:
    return _smooth(500, 1, share=3.0)  # of another law than the training images'


def _dense_estimate(training: Array, y: Array, wiener: WienerFilter, alpha: float, sigma: float) -> Array:
    """S (A^2 K + S^2)^-1 (y - A mean) for the covariance K of values that the filter assumes, as one matrix."""
    basis = np.stack([_pattern(wiener, *place) for place in np.ndindex(H, W, C)], axis=1)
    covariance = basis @ np.diag(wiener.spectrum.reshape(-1)) @ basis.T
    centred = (y - alpha * training.mean(0)).reshape(len(y), -1)
    total = alpha**2 * covariance + sigma**2 * np.eye(SIZE)
    return (sigma * np.linalg.solve(total, centred.T).T).reshape(y.shape)


def _pattern(wiener: WienerFilter, row: int, column: int, place: int) -> Array:
    """One basis vector as an image, from the definition of the cosines."""
    down = np.cos(np.pi * (2 * np.arange(H) + 1) * row / (2 * H))
    across = np.cos(np.pi * (2 * np.arange(W) + 1) * column / (2 * W))
    wave = np.outer(down / np.linalg.norm(down), across / np.linalg.norm(across))
    return np.einsum("c,hw->chw", wiener.colours[row, column, :, place], wave).reshape(-1)


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("t", TIMES)
def test_the_loss_is_what_a_dense_matrix_leaves_on_noised_images(
    training: npt.NDArray[np.uint8], held_out: npt.NDArray[np.uint8], colours: str, t: float
) -> None:
    wiener = WienerFilter.of(coefficient_moments(_split(training)), colours=colours)
    alpha, sigma = (float(value) for value in PROCESSES.get("vp").marginal(t))
    closed = wiener.loss(wiener.spectrum_of(coefficient_moments(_split(held_out))), alpha, sigma)
    noise = np.random.default_rng(2).standard_normal((200, *held_out.shape))
    losses = []
    for eps in noise:
        y = alpha * _unit(held_out) + sigma * eps
        dense = _dense_estimate(_unit(training), y, wiener, alpha, sigma)
        losses.append(float(np.square(dense - eps).mean()))
    np.testing.assert_allclose(wiener.noise(y, alpha, sigma), dense, atol=1e-10)
    error = np.std(losses, ddof=1) / np.sqrt(len(losses))
    assert abs(np.mean(losses) - closed) < 4 * error
    assert error < 0.003 * closed


@pytest.mark.parametrize("t", TIMES)
def test_no_regression_on_its_own_coefficients_beats_it(training: npt.NDArray[np.uint8], t: float) -> None:
    """Where train and test are one law it is the least-squares fit of eps to each coefficient of y."""
    moments = coefficient_moments(_split(training))
    wiener = WienerFilter.of(moments)
    alpha, sigma = (float(value) for value in PROCESSES.get("vp").marginal(t))
    waves = np.stack([_pattern(wiener, *place) for place in np.ndindex(H, W, C)], axis=1)
    repeated = np.tile(_unit(training).reshape(len(training), -1), (50, 1))
    eps = np.random.default_rng(3).standard_normal(repeated.shape)
    y, target = (alpha * repeated + sigma * eps) @ waves, eps @ waves
    centred = y - y.mean(0)
    slopes = (centred * target).sum(0) / np.square(centred).sum(0)
    left = np.square(target - target.mean(0) - slopes * centred).mean()
    assert wiener.loss(wiener.spectrum_of(moments), alpha, sigma) == pytest.approx(float(left), rel=0.01)


@pytest.mark.parametrize("process", PROCESSES.names())
@pytest.mark.parametrize("t", TIMES)
def test_on_white_gaussian_data_it_is_the_exact_answer(process: str, t: float) -> None:
    gaussian = Gaussian(process=PROCESSES.get(process))
    values = np.full((5, 2 * C, H, W), gaussian.mean, np.float32)
    values[:, C:] = 2 * np.log(gaussian.std)  # latents of equal means: only their eps differs
    moments = coefficient_moments(
        Split(name="t:train", fingerprint="0" * 64, images=values, moments=Moments(scale=1.0))  # type: ignore[arg-type]
    )
    wiener = WienerFilter.of(moments)
    alpha, sigma = (float(value) for value in gaussian.process.marginal(t))
    y = np.random.default_rng(4).standard_normal((6, C, H, W))
    exact = gaussian.noise(torch.from_numpy(y), torch.full((6,), t, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(wiener.noise(y, alpha, sigma), exact, rtol=1e-5, atol=1e-6)
    best = alpha**2 * gaussian.std**2 / (alpha**2 * gaussian.std**2 + sigma**2)  # Var[eps | y]
    assert wiener.loss(wiener.spectrum_of(moments), alpha, sigma) == pytest.approx(best, rel=1e-6)


def test_images_without_variance_in_a_direction_are_no_trouble() -> None:
    flat = np.broadcast_to(_smooth(40, 0)[..., :1], (40, C, H, W)).copy()  # no frequency along a row
    moments = coefficient_moments(_split(flat))
    wiener = WienerFilter.of(moments)
    assert np.all(wiener.spectrum >= 0)
    assert wiener.spectrum[:, 1:].max() < 1e-12
    loss = wiener.loss(wiener.spectrum_of(moments), 0.9, 0.436)
    assert 0 < loss < 1 / W


def test_colours_by_frequency_lose_less_than_shared_ones_where_they_differ(training: npt.NDArray[np.uint8]) -> None:
    moments = coefficient_moments(_split(training))
    by_frequency, shared = (WienerFilter.of(moments, colours=colours) for colours in COLOURS)
    losses = [wiener.loss(wiener.spectrum_of(moments), 0.8, 0.6) for wiener in (by_frequency, shared)]
    assert losses[0] < losses[1]
