import numpy as np
import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric

from bench.fid import kernel, kernel_distance


def samples(n=120, m=120, dim=20, shift=0.1):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, dim)).astype(np.float32), (rng.standard_normal((m, dim)) + shift).astype(np.float32)


def brute_force(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)

    def k(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    n, m = len(x), len(y)
    own = k(x, x)[~np.eye(n, dtype=bool)].sum()
    other = k(y, y)[~np.eye(m, dtype=bool)].sum()
    return own / (n * (n - 1)) + other / (m * (m - 1)) - 2 * k(x, y).mean()


@pytest.mark.parametrize(("n", "m"), [(120, 120), (30, 120), (2, 2), (50, 7)])
def test_it_is_the_unbiased_estimate_on_the_full_samples(n, m):
    x, y = samples(n, m)
    assert kernel_distance(x, y) == pytest.approx(brute_force(x, y), rel=1e-10, abs=1e-12)


def test_it_agrees_with_torch_fidelity_on_one_subset_of_everything():
    x, y = samples()
    peer = kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), kid_subsets=1, kid_subset_size=120, verbose=False, rng_seed=0
    )
    assert kernel_distance(x, y) == pytest.approx(peer["kernel_inception_distance_mean"], rel=1e-4)


@pytest.mark.parametrize("block", [7, 50, 119, 120, 1000])
def test_blocks_change_nothing(monkeypatch, block):
    x, y = samples(90, 120)
    expected = kernel_distance(x, y)
    monkeypatch.setattr(kernel, "BLOCK", block)
    assert kernel_distance(x, y) == pytest.approx(expected, rel=1e-11)


def test_the_reference_s_half_can_be_kept():
    x, y = samples()
    assert kernel_distance(x, y, reference_self=kernel.self_term(y)) == kernel_distance(x, y)


def test_it_is_unbiased_so_equal_distributions_scatter_around_zero():
    rng = np.random.default_rng(0)
    values = [kernel_distance(*rng.standard_normal((2, 40, 10))) for _ in range(200)]
    assert min(values) < 0 < max(values)
    assert abs(np.mean(values)) < 4 * np.std(values) / 200**0.5


def test_it_grows_with_the_shift():
    values = [kernel_distance(*samples(shift=shift)) for shift in (0.1, 0.3, 0.6, 1.0)]
    assert values == sorted(values)


def test_too_few_images_unlike_widths_and_nan_are_refused():
    x, y = samples()
    with pytest.raises(ValueError, match="at least two images"):
        kernel_distance(x[:1], y)
    with pytest.raises(ValueError, match="at least two images"):
        kernel_distance(x, y[:1])
    with pytest.raises(ValueError, match="same number of features"):
        kernel_distance(x, y[:, :5])
    with pytest.raises(ValueError, match="not finite"):
        kernel_distance(np.full_like(x, np.nan), y)
