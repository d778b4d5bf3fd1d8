import mpmath as mp
import numpy as np
import pytest
import scipy.linalg
import torch

from bench.fid import frechet_distance, frechet_from_features
from bench.fid.distance import factor

D = 16


def covariance(rng, spectrum):
    q, _ = np.linalg.qr(rng.standard_normal((len(spectrum), len(spectrum))))
    cov = (q * spectrum) @ q.T
    return (cov + cov.T) / 2


def precise(mu1, sigma1, mu2, sigma2):
    """The distance in 50 digits, from eigenvalues only."""
    with mp.workdps(50):
        a, b = mp.matrix(sigma1.tolist()), mp.matrix(sigma2.tolist())
        values, vectors = mp.eigsy(a)
        root = vectors * mp.diag([mp.sqrt(max(v, 0)) for v in values])
        middle = root.T * b * root
        roots = mp.fsum(mp.sqrt(max(v, 0)) for v in mp.eigsy((middle + middle.T) / 2, eigvals_only=True))
        gap = mp.fsum((mp.mpf(x) - mp.mpf(y)) ** 2 for x, y in zip(mu1.tolist(), mu2.tolist(), strict=True))
        traces = mp.fsum(a[i, i] + b[i, i] for i in range(len(mu1)))
        return float(gap + traces - 2 * roots)


def precise_from_features(x, y):
    """The distance between two samples in 50 digits, from the samples and not from rounded covariances."""
    with mp.workdps(50):

        def centred(rows):
            matrix = mp.matrix(rows.tolist())
            means = [mp.fsum(matrix[i, j] for i in range(len(rows))) / len(rows) for j in range(rows.shape[1])]
            for i in range(len(rows)):
                for j in range(rows.shape[1]):
                    matrix[i, j] = (matrix[i, j] - means[j]) / mp.sqrt(len(rows) - 1)
            return means, matrix

        (mean1, f1), (mean2, f2) = centred(x), centred(y)
        gram = f1 * f2.T
        product = gram * gram.T
        roots = mp.fsum(mp.sqrt(max(v, 0)) for v in mp.eigsy((product + product.T) / 2, eigvals_only=True))
        fixed = mp.fsum((a - b) ** 2 for a, b in zip(mean1, mean2, strict=True)) + mp.fsum(v * v for v in f1)
        return float(fixed + mp.fsum(v * v for v in f2) - 2 * roots)


SPECTRA = {
    "well": (np.linspace(1, 2, D), np.linspace(1, 3, D)),
    "1e-4": (np.logspace(0, -4, D), np.logspace(0, -4, D)),
    "1e-8": (np.logspace(0, -8, D), np.logspace(0, -8, D)),
    "1e-14": (np.logspace(0, -14, D), np.logspace(0, -14, D)),
    "1e-16 against identity": (np.logspace(0, -16, D), np.ones(D)),
    "identity against 1e-12": (np.ones(D), np.logspace(2, -10, D)),
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("relation", ["independent", "nearly equal", "unlike units"])
def test_it_agrees_with_fifty_digits(name, relation):
    rng = np.random.default_rng(1)
    first, second = (covariance(rng, spectrum) for spectrum in SPECTRA[name])
    mu1, mu2 = rng.standard_normal(D), rng.standard_normal(D)
    if relation == "nearly equal":
        mu2, second = mu1, first * 1.01
    elif relation == "unlike units":
        units = np.logspace(-3, 3, D)
        first, second = first * units * units[:, None], second * units * units[:, None]
    expected = precise(mu1, first, mu2, second)
    assert frechet_distance(mu1, first, mu2, second) == pytest.approx(expected, rel=1e-7)
    assert frechet_distance(mu2, second, mu1, first) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("n", "m"), [(6, 6), (6, 20), (20, 6), (15, 15), (20, 20)])
def test_rank_deficient_samples_agree_with_fifty_digits_on_both_routes(n, m):
    rng = np.random.default_rng(n * m)
    mixing = rng.standard_normal((D, D)) * np.logspace(0, -2, D)
    x, y = rng.standard_normal((n, D)) @ mixing, rng.standard_normal((m, D)) @ mixing + 0.1
    expected = precise_from_features(x, y)
    mu, sigma = y.mean(0), np.cov(y, rowvar=False)
    assert frechet_distance(x.mean(0), np.cov(x, rowvar=False), mu, sigma) == pytest.approx(expected, rel=1e-7)
    assert frechet_from_features(x, mu, sigma) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("n", [50, 500])
def test_it_agrees_with_scipy_and_torch_fidelity_on_many_features(n):
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((200, 200)) * np.logspace(0, -1, 200)
    x, y = (
        np.maximum(rng.standard_normal((n, 200)) @ mixing, 0),
        np.maximum(rng.standard_normal((600, 200)) @ mixing, 0.1),
    )
    (mu1, s1), (mu2, s2) = ((rows.mean(0), np.cov(rows, rowvar=False)) for rows in (x, y))
    found = frechet_distance(mu1, s1, mu2, s2)
    root = np.trace(scipy.linalg.sqrtm(s1 @ s2)).real
    assert found == pytest.approx(((mu1 - mu2) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * root, rel=1e-5)
    peer = fid_statistics_to_metric({"mu": mu1, "sigma": s1}, {"mu": mu2, "sigma": s2}, verbose=False)
    assert found == pytest.approx(peer["frechet_inception_distance"], rel=1e-6)
    assert frechet_from_features(x, mu2, s2) == pytest.approx(found, rel=1e-9)


def test_closed_forms():
    eye = np.eye(3)
    assert frechet_distance(np.zeros(3), eye, np.array([1.0, 2, 2]), eye) == pytest.approx(9)
    assert frechet_distance(np.zeros(3), 4 * eye, np.zeros(3), 9 * eye) == pytest.approx(3)  # d (2 - 3)^2
    assert frechet_distance(np.zeros(3), 0 * eye, np.zeros(3), 9 * eye) == pytest.approx(27)
    assert frechet_distance(np.zeros(3), 0 * eye, np.zeros(3), 0 * eye) == 0


def test_a_distribution_is_at_no_distance_from_itself_and_never_below():
    rng = np.random.default_rng(0)
    for spectrum in (np.ones(D), np.logspace(0, -12, D), np.r_[np.ones(4), np.zeros(D - 4)]):
        for _ in range(20):  # rounding falls to either side
            mu, sigma = rng.standard_normal(D), covariance(rng, spectrum)
            assert 0 <= frechet_distance(mu, sigma, mu, sigma) < 1e-10


def test_factors_have_the_numerical_rank_of_their_covariance():
    """Rounding lets a plain Cholesky pass on some singular matrices; its last pivots are then noise."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = (4, D - 1, D, 2 * D)[seed % 4]
        cov = np.cov(rng.standard_normal((n, D)) * np.logspace(-2, 2, D), rowvar=False)
        f = factor(cov).matrix
        assert len(f) == min(n - 1, D)
        np.testing.assert_allclose(f.T @ f, cov, rtol=1e-9, atol=1e-12 * np.abs(cov).max())


def test_torch_tensors_lists_and_float32_are_taken_in_float64():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 100, 5)).astype(np.float32)
    arguments = [x.mean(0), np.cov(x, rowvar=False), y.mean(0), np.cov(y, rowvar=False)]
    expected = frechet_distance(*arguments)
    assert frechet_distance(*(torch.from_numpy(a) for a in arguments)) == expected
    assert frechet_distance(*(a.tolist() for a in arguments)) == pytest.approx(expected, rel=1e-12)
    mine = frechet_from_features(torch.from_numpy(x).requires_grad_(), *arguments[2:])
    assert isinstance(mine, float) and mine == pytest.approx(expected, rel=1e-5)


def test_the_arguments_are_left_as_they_were():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, D))
    arguments = [x.mean(0), np.cov(x, rowvar=False), np.zeros(D), np.eye(D)]
    copies = [a.copy() for a in arguments]
    frechet_distance(*arguments)
    frechet_from_features(x[:5], *arguments[2:])
    for a, copy in zip(arguments, copies, strict=True):
        np.testing.assert_array_equal(a, copy)


EYE = np.eye(3)
OFF = np.array([[1, np.nan, 0], [np.nan, 1, 0], [0, 0, 1]])
WRONG = {
    "a NaN": ((np.array([0, np.nan, 0]), EYE, np.zeros(3), EYE), "not finite"),
    "an infinite variance": ((np.zeros(3), EYE, np.zeros(3), np.diag([1, np.inf, 1])), "not finite"),
    "one NaN off the diagonal": ((np.zeros(3), EYE, np.zeros(3), OFF), "not finite"),
    "unlike widths": ((np.zeros(3), EYE, np.zeros(2), np.eye(2)), "same number of features"),
    "a vector for a covariance": ((np.zeros(3), np.ones(3), np.zeros(3), EYE), r"\(d,\) and \(d, d\)"),
    "mean and covariance unlike": ((np.zeros(3), np.eye(4), np.zeros(3), EYE), r"\(d,\) and \(d, d\)"),
    "a negative variance": ((np.zeros(3), -EYE, np.zeros(3), EYE), "no covariance"),
    "no symmetry": ((np.zeros(3), np.triu(np.ones((3, 3))), np.zeros(3), EYE), "no covariance"),
    "nothing": ((np.zeros(0), np.zeros((0, 0)), np.zeros(0), np.zeros((0, 0))), "empty"),
    "text": ((np.array(["a", "b", "c"]), EYE, np.zeros(3), EYE), "real numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_gaussian_is_refused(case):
    arguments, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        frechet_distance(*arguments)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((1, 3)), "at least two images"),
        (np.zeros(3), "at least two images"),
        (np.full((4, 3), np.nan), "not finite"),
        (np.array([[0, 0, 0], [0, np.inf, 0]]), "not finite"),
        (np.zeros((2, 5)), "same number of features"),
        (np.zeros((9, 5)), "same number of features"),
    ],
)
def test_features_that_make_no_gaussian_are_refused(features, message):
    with pytest.raises(ValueError, match=message):
        frechet_from_features(features, np.zeros(3), EYE)
