"""Simulations with stated parameters. Each function returns numbers only and draws from its own fixed seed.

"Features" are Gaussian with a spectrum that falls as 1/rank, as features of images roughly do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DIMENSIONS = 64  # of the simulated features
DRAWS = 20  # sample sets a point
COUNTS = (200, 500, 1_000, 2_000, 5_000, 10_000)


def frechet(x: Array, mean: Array, covariance: Array) -> float:
    """Fréchet distance of the samples ``x`` (n, d) from the Gaussian of the reference, with the sample covariance."""
    own = np.cov(x, rowvar=False)
    root = np.sqrt(np.clip(np.linalg.eigvals(own @ covariance).real, 0, None)).sum()
    return float(np.sum((x.mean(axis=0) - mean) ** 2) + np.trace(own) + np.trace(covariance) - 2 * root)


def _spectrum() -> Array:
    return 1.0 / np.arange(1, DIMENSIONS + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FewSamples:
    """Scores of two models at each count, (count, draw); ``truth`` is what infinitely many samples would get."""

    better: Array
    worse: Array
    truth: tuple[float, float]


def few_samples() -> FewSamples:
    """Two models whose features are scaled by 1.04 and 1.08 around the reference's: the first is better, truly."""
    random, spectrum = np.random.default_rng(0), _spectrum()
    scales = (1.04, 1.08)
    reference = np.diag(spectrum)
    scores = [
        np.array([
            [frechet(scale * random.standard_normal((n, DIMENSIONS)) * np.sqrt(spectrum), 0 * spectrum, reference)
             for _ in range(DRAWS)]
            for n in COUNTS
        ])
        for scale in scales
    ]  # fmt: skip
    truth = tuple(float((scale - 1) ** 2 * spectrum.sum()) for scale in scales)
    return FewSamples(better=scores[0], worse=scores[1], truth=(truth[0], truth[1]))


NOISE = 1.0  # standard deviation of one evaluation, in FID
PICKS = (1, 2, 5, 10, 20, 50)


def best_of_checkpoints(trials: int = 4_000) -> tuple[Array, Array]:
    """A model that no longer changes, evaluated K times with noise: what is reported when the lowest is picked.

    Returns, for each K of ``PICKS``, the mean reported gain over the truth (in FID) and the share of trials in which
    an equal model that is evaluated K times "beats" one that is evaluated once.
    """
    random = np.random.default_rng(1)
    gains, wins = [], []
    for picks in PICKS:
        lowest = NOISE * random.standard_normal((trials, picks)).min(axis=1)
        gains.append(-lowest.mean())
        wins.append(float(np.mean(lowest < NOISE * random.standard_normal(trials))))
    return np.array(gains), np.array(wins)


def two_extractors(count: int = 10_000) -> dict[str, tuple[float, float]]:
    """Two models under two extractors: by extractor the scores of model 1 and of model 2.

    Model 1 is off by 0.3 standard deviations in the first half of the features, model 2 in the second half. One
    extractor sees the first half three times as large as the second, the other the other way round and ten times
    as large in all: neither is wrong, and their numbers have nothing in common.
    """
    random = np.random.default_rng(2)
    half = DIMENSIONS // 2
    first = np.arange(DIMENSIONS) < half
    models = [0.3 * first, 0.3 * ~first]
    by_extractor = {}
    for name, sight in (("extractor A", np.where(first, 3.0, 1.0)), ("extractor B", 10 * np.where(first, 1.0, 3.0))):
        scores = [
            frechet((random.standard_normal((count, DIMENSIONS)) + shift) * sight, 0 * sight, np.diag(sight**2))
            for shift in models
        ]
        by_extractor[name] = (scores[0], scores[1])
    return by_extractor


def initial_share(decay: float, steps: Array, *, ramped: bool) -> Array:
    """How much of an EMA's weights is still the initialisation: the product of its decays.

    ``ramped``: decay min(``decay``, (1 + k) / (10 + k)) at step k, as every budget here has it.
    """
    k = np.arange(int(steps.max()) + 1)
    decays = np.minimum(decay, (1 + k) / (10 + k)) if ramped else np.full(len(k), decay)
    shares = np.concatenate([[1.0], np.exp(np.cumsum(np.log(decays)))])
    return np.asarray(shares[steps.astype(int)])
