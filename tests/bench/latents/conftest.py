"""A small dataset of 24 labelled images of 16 pixels, an autoencoder, and the latents of the one by the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.latents.encode import EncodingTask, encode_dataset
from tests.bench.latents.tiny import save_autoencoder


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("latents")


@pytest.fixture(scope="session")
def images(place: Path) -> Path:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
    np.savez(place / "images.npz", images=pixels, labels=generator.integers(0, 3, 24))
    return place / "images.npz"


@pytest.fixture(scope="session")
def autoencoder(place: Path) -> Path:
    return save_autoencoder(place / "autoencoder")


def task_for(images: Path, autoencoder: Path, out: Path, **changes: object) -> EncodingTask:
    settings: dict[str, object] = {"flips": True, "batch": 5, "device": "cpu", **changes}
    return EncodingTask(dataset=f"npz:{images}", autoencoder=str(autoencoder), out=out, **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def encoded(place: Path, images: Path, autoencoder: Path) -> Path:
    encode_dataset(task_for(images, autoencoder, place / "encoded"))
    return place / "encoded"
