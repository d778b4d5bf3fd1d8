"""Small real pieces: an extractor with the packaged weights, random images, an Inception file in the true format."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data.dataset import Split
from bench.fid import Extractor, load_extractor


@pytest.fixture(scope="session")
def extractor() -> Extractor:
    return load_extractor("effnet-lite0")


@pytest.fixture(scope="session")
def narrow(extractor: Extractor) -> Extractor:
    """The real network, 40 of its features: small enough that counts above and below its width are cheap."""
    return replace(extractor, dim=40, batch_size=32, network=lambda images: extractor.network(images)[:, :40])


@pytest.fixture
def counted(narrow: Extractor) -> tuple[Extractor, list[int]]:
    """The narrow extractor, and how many images each of its calls was given."""
    seen: list[int] = []

    def network(images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return narrow.network(images)

    return replace(narrow, network=network), seen


def pictures(count: int, seed: int = 0, channels: int = 3, size: int = 16) -> np.ndarray:
    """Smooth random pictures, uint8 (count, channels, size, size)."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.random((count, channels, 4, 4)))
    return (torch.nn.functional.interpolate(coarse, size=size, mode="bilinear") * 255).byte().numpy()


def split(count: int, seed: int = 0, name: str = "toy:train", channels: int = 3) -> Split:
    images = pictures(count, seed, channels)
    return Split(name=name, fingerprint=hashlib.sha256(images.tobytes()).hexdigest(), images=images)


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A randomly initialised network's weights, under the names and shapes that torch-fidelity publishes."""
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save(inception_state(), path)
    return path


def inception_state() -> dict[str, torch.Tensor]:
    """Random weights of the FID Inception-v3, its batch norms away from the identity."""
    from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d, FeatureExtractorInceptionV3

    network = FeatureExtractorInceptionV3.__new__(FeatureExtractorInceptionV3)
    torch.manual_seed(0)
    _without_weights(network)
    for module in network.modules():
        if isinstance(module, BasicConv2d):
            module.bn.running_mean.normal_(0, 0.1)
            module.bn.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.bn.weight, 0.8, 1.2)
            torch.nn.init.normal_(module.bn.bias, 0, 0.1)
    return network.state_dict()


class _Stop(Exception):
    pass


def _without_weights(network: torch.nn.Module) -> None:
    """Build torch-fidelity's layers and stop where it would read its file: there is none yet."""

    class Nothing:
        def read(self, *_: object) -> bytes:
            raise _Stop

        seek = tell = readline = read

    with pytest.raises(_Stop):
        type(network).__init__(network, "inception-v3-compat", ["2048"], feature_extractor_weights_path=Nothing())
