"""CKA without bias: against the dense definition, known identities, and minibatches against the whole set."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.trained.cka_estimator import MinibatchCKA, gram, hsic, u_centred


def _layers(count: int, seed: int = 0, tokens: int = 3) -> list[torch.Tensor]:
    """Three related layers (B, L, D) of different width: x, a map of x with noise, and noise."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn((count, tokens, 5), generator=draw) + 2
    mixed = torch.tanh(x @ torch.randn((5, 8), generator=draw)) + 0.3 * torch.randn((count, tokens, 8), generator=draw)
    return [x, mixed, torch.randn((count, tokens, 4), generator=draw)]


def _song(k: np.ndarray, m: np.ndarray) -> float:
    """Song et al. 2012, eq. 5, as printed."""
    n, ones = len(k), np.ones(len(k))
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    middle = (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
    return float((np.trace(k @ m) + middle - 2 / (n - 2) * (ones @ k @ m @ ones)) / (n * (n - 3)))


def _cka(layers: list[torch.Tensor]) -> np.ndarray:
    found = MinibatchCKA()
    found.add(layers)
    return found.cka()


def test_hsic_is_songs_unbiased_estimator() -> None:
    layers = _layers(12)
    grams = [(x.flatten(1).double() @ x.flatten(1).double().T).numpy() for x in layers]
    expected = [[_song(k, m) for m in grams] for k in grams]
    np.testing.assert_allclose(hsic(layers), expected, rtol=1e-10)


def test_hsic_has_no_bias() -> None:
    """Unrelated layers average to 0 over many small minibatches; the usual biased estimate does not."""
    draws = np.stack([hsic(_layers(6, seed)) for seed in range(300)])[:, 0, 2]
    assert abs(draws.mean()) < 3 * draws.std() / np.sqrt(len(draws))


def test_cka_of_a_layer_with_itself_is_one() -> None:
    np.testing.assert_allclose(np.diag(_cka(_layers(9))), 1, atol=1e-12)


def test_cka_ignores_orthogonal_maps_scales_and_shifts_and_no_other_map() -> None:
    x, mixed, _ = _layers(16)
    turn = torch.linalg.qr(torch.randn((15, 15), generator=torch.Generator().manual_seed(3)))[0]
    turned = (x.flatten(1) @ turn).double()
    found = _cka([x, turned, 7.5 * x, x + 4, x * torch.tensor([9.0, 1, 1, 1, 1]), mixed])
    np.testing.assert_allclose(found[0, 1:4], 1, atol=1e-5)
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)
    assert found[0, 4] < 0.95


def test_cka_depends_on_all_tokens() -> None:
    x, _, noise = _layers(16)
    assert _cka([x, torch.cat([x[:, :1], noise[:, 1:].repeat(1, 1, 2)[:, :, :5]], dim=1)])[0, 1] < 0.9


def test_minibatches_estimate_the_whole_set() -> None:
    """As the minibatches grow in number, their CKA nears that of the whole; a biased estimate would stay above."""
    layers = _layers(1200)
    whole = _cka(layers)
    errors = []
    for images in (120, 1200):
        found = MinibatchCKA()
        for first in range(0, images, 8):
            found.add([layer[first : first + 8] for layer in layers])
        errors.append(np.abs(found.cka() - whole).max())
        error = found.standard_error()
        assert error is not None
        assert np.all(np.abs(found.cka() - whole) <= 4 * error + 1e-9)
    assert errors[1] < errors[0]


def test_the_batch_size_moves_the_mean_by_no_more_than_its_error() -> None:
    layers, found = _layers(1200), []
    for size in (6, 40):
        estimate = MinibatchCKA()
        for first in range(0, 1200, size):
            estimate.add([layer[first : first + size] for layer in layers])
        found.append((estimate.cka(), estimate.standard_error()))
    (small, error), (large, _) = found
    assert error is not None
    assert np.all(np.abs(small - large) <= 4 * error + 1e-9)


def test_the_standard_error_is_the_spread_over_repetitions() -> None:
    estimates, errors = [], []
    for seed in range(30):
        found = MinibatchCKA()
        for part in range(12):
            found.add(_layers(8, seed=1000 * seed + part))
        estimates.append(found.cka()[0, 2])
        error = found.standard_error()
        assert error is not None
        errors.append(error[0, 2])
    assert 0.6 < np.mean(errors) / np.std(estimates) < 1.5


def test_one_minibatch_has_no_error_and_a_constant_layer_no_cka() -> None:
    found = MinibatchCKA()
    found.add([*_layers(8), torch.ones((8, 2, 3))])
    assert found.standard_error() is None
    cka = found.cka()
    assert np.isfinite(cka[:3, :3]).all()
    assert np.isnan(cka[3]).all()


def test_three_images_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 images in a minibatch, got 3"):
        hsic(_layers(3))


def test_sums_are_float64() -> None:
    """Large common offsets cost float32 all digits; the Gram matrices are taken in float64."""
    x = torch.randn((10, 6), generator=torch.Generator().manual_seed(0))
    assert gram(x).dtype == torch.float64
    shifted = (x.double() + 4096).float()
    assert abs(_cka([x, shifted])[0, 1] - 1) < 1e-4


def test_u_centring_leaves_rows_without_a_mean() -> None:
    centred = u_centred(gram(_layers(7)[1]))
    torch.testing.assert_close(centred.sum(dim=1), torch.zeros(7, dtype=torch.float64), atol=1e-9, rtol=0)
    assert float(centred.diagonal().abs().max()) == 0
