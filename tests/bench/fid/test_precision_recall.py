import numpy as np
import pytest
import torch
from torch_fidelity.metric_prc import prc_features_to_metric

from bench.fid import precision_recall


def clouds(n=200, m=200, dim=6, scale=1.0, shift=0.5):
    rng = np.random.default_rng(0)
    generated = rng.standard_normal((n, dim)) * scale + shift
    return generated.astype(np.float32), rng.standard_normal((m, dim)).astype(np.float32)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.3, 0.0), (2.0, 0.0), (1.0, 1.5)])
def test_it_agrees_with_torch_fidelity(scale, shift):
    generated, real = clouds(scale=scale, shift=shift)
    found = precision_recall(generated, real)
    peer = prc_features_to_metric(
        torch.from_numpy(generated), torch.from_numpy(real), prc_neighborhood=3, prc_batch_size=1000, verbose=False
    )
    assert found.precision == pytest.approx(peer["precision"], abs=1e-6)
    assert found.recall == pytest.approx(peer["recall"], abs=1e-6)
    assert found.count == 200


def test_brute_force():
    generated, real = (side.astype(np.float64) for side in clouds(30, 30, 2))

    def inside(points, centres):
        radii = [sorted(np.linalg.norm(centres - c, axis=1))[3] for c in centres]
        return np.mean([any(np.linalg.norm(p - c) <= r for c, r in zip(centres, radii, strict=True)) for p in points])

    found = precision_recall(generated, real)
    assert (found.precision, found.recall) == (inside(generated, real), inside(real, generated))


def test_collapse_loses_recall_and_noise_loses_precision():
    narrow, wide = precision_recall(*clouds(scale=0.1, shift=0)), precision_recall(*clouds(scale=4.0, shift=0))
    assert narrow.precision == 1 and narrow.recall < 0.2
    assert wide.precision < 0.2 and wide.recall > narrow.recall


def test_subsets_are_equal_seeded_and_at_most_a_thousand():
    generated, real = clouds(1500, 1200)
    found = precision_recall(generated, real)
    assert found.count == 1000
    assert found == precision_recall(generated, real, seed=0)
    assert found != precision_recall(generated, real, seed=1)
    assert precision_recall(generated[:70], real).count == 70
    assert precision_recall(generated, real[:50]).count == 50


def test_too_few_images_and_nan_are_refused():
    generated, real = clouds()
    with pytest.raises(ValueError, match="at least 4 images"):
        precision_recall(generated[:3], real)
    generated[5, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        precision_recall(generated, real)
