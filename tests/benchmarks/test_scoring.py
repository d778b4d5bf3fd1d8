"""Scoring against the libraries: scipy and torch-fidelity for the distance, unfolded networks for the features."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.fid import frechet_distance, load_extractor
from tests.benchmarks.conftest import Note
from tests.benchmarks.interleaved import Rounds, interleave

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1_200)]

FEATURES = 2_048


def gaussians(seed: int = 0) -> list[np.ndarray]:
    """Two means and covariances of Inception's size, from features with a decaying spectrum."""
    draws, scale = np.random.default_rng(seed), np.arange(1, FEATURES + 1) ** -0.5
    moments: list[np.ndarray] = []
    for _ in range(2):
        x = draws.standard_normal((3 * FEATURES, FEATURES)) * scale @ draws.standard_normal((FEATURES, FEATURES))
        moments += [x.mean(axis=0), np.cov(x, rowvar=False)]
    return moments


def frechet_rounds(rounds: int) -> Rounds:
    from scipy.linalg import sqrtm
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    mu1, sigma1, mu2, sigma2 = gaussians()
    values: dict[str, float] = {}

    def by_sqrtm() -> None:
        root = sqrtm(sigma1 @ sigma2).real
        values["sqrtm"] = float((mu1 - mu2) @ (mu1 - mu2) + np.trace(sigma1 + sigma2 - 2 * root))

    def by_fidelity() -> None:
        found = fid_statistics_to_metric({"mu": mu1, "sigma": sigma1}, {"mu": mu2, "sigma": sigma2}, False)
        values["torch-fidelity"] = float(next(iter(found.values())))

    def ours() -> None:
        values["ours"] = frechet_distance(mu1, sigma1, mu2, sigma2)

    measured = interleave({"sqrtm": by_sqrtm, "torch-fidelity": by_fidelity, "ours": ours}, rounds=rounds, warm_up=0)
    assert values["ours"] == pytest.approx(values["sqrtm"], rel=1e-6)
    assert values["ours"] == pytest.approx(values["torch-fidelity"], rel=1e-6)
    return measured


def test_frechet_distance(note: Note) -> None:
    rounds = frechet_rounds(rounds=5)
    note("Fréchet distance, 2048 features, against sqrtm", rounds.ratio("sqrtm", "ours"), target=8.0)
    note("Fréchet distance, against torch-fidelity", rounds.ratio("torch-fidelity", "ours"), target=2.0)


def test_efficientnet_features(note: Note) -> None:
    """Against the package's network as it comes: batch norm apart, contiguous images."""
    from efficientnet_lite_pytorch import EfficientNet

    from bench.fid.extractors.effnet_lite0 import _packaged, resize
    from bench.files.published_weights import load_state_dict

    ours, plain = load_extractor("effnet-lite0"), EfficientNet.from_name("efficientnet-lite0").eval()
    plain.load_state_dict(load_state_dict(_packaged()))
    images = torch.randint(0, 256, (128, 3, 32, 32), dtype=torch.uint8)
    out: dict[str, torch.Tensor] = {}

    @torch.inference_mode()
    def unfolded() -> None:
        out["unfolded"] = plain.extract_features((resize(images) - 127) / 128).mean(dim=(2, 3))

    rounds = interleave({"unfolded": unfolded, "ours": lambda: out.update(ours=ours(images))}, rounds=20)
    assert torch.allclose(out["ours"], out["unfolded"], atol=1e-3 * float(out["unfolded"].abs().max()))
    note("EfficientNet-Lite0 at 64 px against the unfolded network", rounds.ratio("unfolded", "ours"), target=1.5)
    note("EfficientNet-Lite0 at 64 px", 128 / rounds.median("ours"), unit="images/s")


def test_inception_features(tmp_path: Path, note: Note) -> None:
    """Against torch-fidelity's own extractor; random weights in the true format, since none can be downloaded here."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    from tests.bench.fid.conftest import inception_state

    path, buffer = tmp_path / "inception.pth", io.BytesIO()
    state = inception_state()
    torch.save(state, path)
    torch.save(state, buffer)
    buffer.seek(0)
    theirs = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=buffer).eval()
    ours = load_extractor("inception", weights=path, allow_download=False)
    images, out = torch.randint(0, 256, (32, 3, 32, 32), dtype=torch.uint8), dict[str, torch.Tensor]()

    @torch.inference_mode()
    def by_fidelity() -> None:
        out["theirs"] = theirs(images)[0]

    rounds = interleave({"theirs": by_fidelity, "ours": lambda: out.update(ours=ours(images))}, rounds=6, warm_up=1)
    assert torch.allclose(out["ours"], out["theirs"], rtol=1e-3, atol=1e-3 * float(out["theirs"].abs().max()))
    note("Inception-v3 against torch-fidelity's extractor", rounds.ratio("theirs", "ours"), target=1.5)
