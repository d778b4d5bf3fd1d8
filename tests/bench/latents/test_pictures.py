"""The images that latents are of, which samples are scored against: where they are looked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.data import Dataset, load_dataset
from bench.data.load import load_cached_dataset
from bench.data.sources import fashion_mnist
from bench.latents.decoder import pictures_of
from bench.latents.encode import EncodingTask, encode_dataset
from tests.bench.data.makers import fashion_folder
from tests.bench.latents.tiny import save_autoencoder


@pytest.fixture
def latents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Latents of a dataset that lay in ``tmp_path / "recorded"`` when it was encoded."""
    monkeypatch.setattr(fashion_mnist, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("UVIT_DATA", str(tmp_path / "default"))
    monkeypatch.setenv("UVIT_CACHE", str(tmp_path / "cache"))
    fashion_folder(tmp_path / "recorded")
    grey = save_autoencoder(tmp_path / "autoencoder", in_channels=1, out_channels=1)
    task = EncodingTask(
        dataset="fashion-mnist", autoencoder=str(grey), out=tmp_path / "out", data_dir=tmp_path / "recorded",
        batch=4, device="cpu",
    )  # fmt: skip
    encode_dataset(task)
    return f"latents:{tmp_path / 'out'}"


def _pictures(name: str, data_dir: Path | None = None) -> Dataset:
    load_cached_dataset.cache_clear()
    return pictures_of(load_dataset(name, data_dir=data_dir))


def test_pictures_of_pixels_are_themselves(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=np.zeros((4, 8, 8, 3), np.uint8))
    dataset = load_dataset(f"npz:{tmp_path / 'x.npz'}", cache_dir=tmp_path / "cache")
    assert pictures_of(dataset) is dataset


def test_they_are_looked_for_where_they_lay(latents: str) -> None:
    assert _pictures(latents).name == "fashion-mnist"


def test_what_a_user_says_comes_first(latents: str, tmp_path: Path) -> None:
    shutil.move(tmp_path / "recorded", tmp_path / "moved")
    assert _pictures(latents, tmp_path / "moved").name == "fashion-mnist"
    shutil.copytree(tmp_path / "moved", tmp_path / "recorded")
    with pytest.raises(ValueError, match=f"fashion-mnist not found in {tmp_path / 'nowhere'}"):
        _pictures(latents, tmp_path / "nowhere")


def test_without_either_they_are_looked_for_where_all_datasets_are(latents: str, tmp_path: Path) -> None:
    shutil.move(tmp_path / "recorded", tmp_path / "default")
    assert _pictures(latents).name == "fashion-mnist"


def test_what_they_are_is_not_changed_by_where_they_lie(latents: str, tmp_path: Path) -> None:
    here, there = load_dataset(latents), load_dataset(latents, data_dir=tmp_path / "elsewhere")
    assert here.encoding is not None and there.encoding is not None
    assert here.encoding != there.encoding
    assert here.encoding.identity() == there.encoding.identity()
    assert here.encoding.card() == there.encoding.card()
    assert (here.fingerprint, here.card) == (there.fingerprint, there.card)


def test_other_images_than_those_that_were_encoded_are_refused(latents: str, tmp_path: Path) -> None:
    fashion_folder(tmp_path / "other", rows=14)
    with pytest.raises(ValueError, match="which has changed since"):
        _pictures(latents, tmp_path / "other")
