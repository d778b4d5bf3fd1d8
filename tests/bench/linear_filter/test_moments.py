"""Moments of coefficients against their definition, written out with a cosine matrix; pieces of bounded size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bench.data import Split, batch, to_unit
from bench.data.dataset import Moments
from bench.linear_filter.moments import Array, CoefficientMoments, coefficient_moments

C, H, W = 3, 4, 6


def pixels(count: int = 50, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, C, H, W), dtype=np.uint8)


def split_of(images: npt.NDArray[Any], moments: Moments | None = None) -> Split:
    return Split(name="t:train", fingerprint="0" * 64, images=images, moments=moments)


def cosines(size: int) -> Array:
    """The orthonormal DCT-II as a matrix (frequency, place), from its definition."""
    frequency, place = np.mgrid[:size, :size]
    matrix = np.cos(math.pi * (2 * place + 1) * frequency / (2 * size)) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return np.asarray(matrix)


def coefficients(images: Array) -> Array:
    """(N, H, W, C) of (N, C, H, W)."""
    return np.einsum("kh,lw,nchw->nklc", cosines(H), cosines(W), images)


def direct(images: Array) -> CoefficientMoments:
    of_each = coefficients(images)
    second = np.einsum("nklc,nkld->klcd", of_each, of_each) / len(images)
    return CoefficientMoments(count=len(images), mean=of_each.mean(0), second=second)


def assert_same(found: CoefficientMoments, expected: CoefficientMoments) -> None:
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.second, expected.second, rtol=1e-10, atol=1e-12)


def test_pixels_are_what_a_network_sees_in_cosines() -> None:
    split = split_of(pixels())
    found = coefficient_moments(split)
    assert found.count == 50
    assert_same(found, direct(split.images / 127.5 - 1))
    seen = to_unit(batch(split, np.arange(50))).numpy()
    assert found.power == pytest.approx(float(np.square(seen).mean()), rel=1e-6)


def test_mirror_images_count_where_training_mirrors() -> None:
    images = pixels()
    both = np.concatenate([images, images[..., ::-1]])
    found = coefficient_moments(split_of(images), flip=True)
    assert found.count == 50
    assert_same(found, direct(both / 127.5 - 1))


def test_second_moments_around_any_centre() -> None:
    images = pixels() / 127.5 - 1
    centre = np.random.default_rng(1).standard_normal((H, W, C))
    gaps = coefficients(images) - centre
    expected = np.einsum("nklc,nkld->klcd", gaps, gaps) / len(images)
    np.testing.assert_allclose(direct(images).around(centre), expected, rtol=1e-10, atol=1e-12)


def _latents(count: int, seed: int) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    means, log_variances = generator.standard_normal((2, count, C, H, W))
    return np.concatenate([means, log_variances - 1], axis=1).astype(np.float32)


def _expected_of_latents(moments: npt.NDArray[np.float32], scale: float) -> CoefficientMoments:
    """From the covariance of the values themselves: diagonal, turned into frequencies as a dense matrix."""
    means, log_variances = np.split(moments.astype(np.float64), 2, axis=1)
    expected = direct(scale * means)
    turn = np.kron(cosines(H), cosines(W))
    for channel in range(C):
        variance = scale**2 * np.exp(log_variances[:, channel]).mean(0).reshape(-1)
        dense = turn @ np.diag(variance) @ turn.T
        expected.second[..., channel, channel] += np.diag(dense).reshape(H, W)
    return expected


def test_the_noise_of_latents_is_averaged_over_and_not_drawn() -> None:
    moments = _latents(7, 0)
    found = coefficient_moments(split_of(moments, Moments(scale=0.18)), piece=1)
    assert_same(found, _expected_of_latents(moments, 0.18))


def test_mirrored_latents_are_those_that_were_stored() -> None:
    moments, mirrored = _latents(7, 0), _latents(7, 1)
    split = split_of(moments, Moments(scale=0.18, mirrored=mirrored))
    expected = _expected_of_latents(np.concatenate([moments, mirrored]), 0.18)
    assert_same(coefficient_moments(split, flip=True), expected)
    assert_same(coefficient_moments(split), _expected_of_latents(moments, 0.18))


class Counted:
    """Images that remember how many were read at a time."""

    def __init__(self, images: npt.NDArray[Any]) -> None:
        self.images, self.read = images, list[int]()
        self.shape = images.shape

    def __getitem__(self, rows: slice) -> npt.NDArray[Any]:
        self.read.append(len(self.images[rows]))
        return self.images[rows]


@pytest.mark.parametrize("latent", [False, True])
def test_images_are_read_once_in_pieces_of_bounded_size(latent: bool) -> None:
    images = _latents(50, 0) if latent else pixels()
    moments = Moments(scale=1.0) if latent else None
    whole = coefficient_moments(split_of(images, moments))
    counted = Counted(images)
    piece = 8 * C * H * W * 8 + 7  # eight images in float64, and not nine
    found = coefficient_moments(split_of(counted, moments), piece=piece)  # type: ignore[arg-type]
    assert counted.read == [8] * 6 + [2]
    assert_same(found, whole)
    lone = Counted(images)
    coefficient_moments(split_of(lone, moments), piece=1)  # type: ignore[arg-type]
    assert lone.read == [1] * 50
