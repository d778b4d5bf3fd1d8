"""Nearest training features: against all distances, exact for copies, whatever the chunks, mirrored ones merged."""

from __future__ import annotations

import numpy as np
import pytest

from bench.trained import nearest as copies
from bench.trained.nearest import Nearest, nearer, nearest


def _features(count: int, seed: int, dim: int = 24, offset: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((count, dim)) + offset).astype(np.float32)


@pytest.mark.parametrize("chunk", [7, 1000])
def test_the_nearest_are_those_of_all_distances(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "CHUNK", chunk)
    x, training = _features(9, 0), _features(60, 1)
    whole = np.sqrt(((x[:, None].astype(np.float64) - training[None]) ** 2).sum(axis=2))
    found = nearest(x, training, k=4)
    np.testing.assert_array_equal(found.rows, np.argsort(whole, axis=1)[:, :4])
    np.testing.assert_allclose(found.distances, np.sort(whole, axis=1)[:, :4], rtol=1e-12)


def test_a_copy_is_at_distance_zero_however_large_its_features() -> None:
    """Products of large features lose all digits of a small distance; the second look does not."""
    training = _features(50, 2, offset=300)
    found = nearest(training[[31, 4]], training, k=2)
    assert found.distances[:, 0].tolist() == [0, 0]
    assert found.rows[:, 0].tolist() == [31, 4]
    assert (found.distances[:, 1] > 1).all()


def test_of_two_searches_each_row_counts_once() -> None:
    a = Nearest(distances=np.array([[1.0, 4.0]]), rows=np.array([[7, 8]]))
    b = Nearest(distances=np.array([[0.5, 2.0]]), rows=np.array([[7, 9]]))
    found = nearer(a, b)
    assert found.distances.tolist() == [[0.5, 2.0]]
    assert found.rows.tolist() == [[7, 9]]


@pytest.mark.parametrize("k", [0, 6])
def test_more_neighbours_than_images_are_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"{k} nearest of 5 training images"):
        nearest(_features(2, 0), _features(5, 1), k=k)
