"""``latents:PATH`` as a dataset: what it tells of itself, what training sees of it, and damage told in one line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data import load_dataset, load_images
from bench.latents.encode import encode_dataset
from bench.random import normal, stream
from bench.training.batches import image_order, training_batch
from tests.bench.latents.conftest import task_for


def test_it_is_a_dataset_of_latents(encoded: Path) -> None:
    dataset = load_dataset(f"latents:{encoded}")
    assert (dataset.channels, dataset.image_size, dataset.num_classes, dataset.flip) == (4, 8, 3, True)
    assert dataset.train.shape == (4, 8, 8)
    assert dataset.held_out is not None
    assert (len(dataset.train), len(dataset.held_out)) == (22, 2)
    assert dataset.card["encoding"]["scale"] == 0.18215
    json.dumps(dataset.card)


def test_its_fingerprint_names_content_and_never_a_path(
    images: Path, autoencoder: Path, encoded: Path, tmp_path: Path
) -> None:
    shutil.copytree(encoded, tmp_path / "moved")
    fingerprint = load_dataset(f"latents:{encoded}").fingerprint
    assert load_dataset(f"latents:{tmp_path / 'moved'}").fingerprint == fingerprint
    encode_dataset(task_for(images, autoencoder, tmp_path / "scaled", scale=0.5))
    assert load_dataset(f"latents:{tmp_path / 'scaled'}").fingerprint != fingerprint


def test_training_draws_from_the_stored_moments_mirrored_where_it_flips(encoded: Path) -> None:
    dataset = load_dataset(f"latents:{encoded}")
    drawn = training_batch(dataset, seed=3, step=7, batch_size=12, device="cpu")
    order = image_order(3, step=7, batch_size=12, size=22)
    flips = stream(3, "flip", 7).random(12) < 0.5
    assert 0 < flips.sum() < 12
    plain, mirrored = (np.load(encoded / f"train_{kind}.npy")[order] for kind in ("moments", "mirrored"))
    mean, log_variance = np.split(np.where(flips[:, None, None, None], mirrored, plain), 2, axis=1)
    eps = normal(stream(3, "latent", 7), (12, 4, 8, 8)).numpy()
    assert np.allclose(drawn.x0, 0.18215 * (mean + np.exp(0.5 * log_variance) * eps), atol=1e-6)
    assert torch.equal(drawn.noise, normal(stream(3, "noise", 7), (12, 4, 8, 8)))
    assert np.array_equal(drawn.t, stream(3, "time", 7).random(12, dtype=np.float32))
    again = training_batch(dataset, seed=3, step=8, batch_size=12, device="cpu")
    assert not torch.equal(again.x0, drawn.x0)


def test_latents_are_not_scored_as_images(encoded: Path, images: Path) -> None:
    with pytest.raises(ValueError, match=f"holds latents, not images; score .*npz:{images}:train"):
        load_images(f"latents:{encoded}:train")


def test_another_image_size_is_refused_and_the_images_own_is_not(encoded: Path) -> None:
    assert load_dataset(f"latents:{encoded}", image_size=16).image_size == 8
    with pytest.raises(ValueError, match=r"of images of 16 pixels; set training.image_size=0, or encode again"):
        load_dataset(f"latents:{encoded}", image_size=32)


def _edit(folder: Path, **changes: object) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | changes))


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


def test_a_damaged_file_too_large_to_be_hashed_is_told_when_it_is_read(
    encoded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(encoded, tmp_path / "copy")
    monkeypatch.setattr("bench.data.latent_folder.CHECKED", 0)
    path = tmp_path / "copy" / "train_moments.npy"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(ValueError, match=r"cannot read train_moments.npy .*; encode again"):
        load_dataset(f"latents:{tmp_path / 'copy'}")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: shutil.rmtree(folder), "no folder of latents at"),
        (lambda folder: (folder / "meta.json").unlink(), "it lacks meta.json"),
        (lambda folder: (folder / "train_moments.npy").unlink(), "it lacks train_moments.npy"),
        (lambda folder: (folder / "meta.json").write_text("{"), "damaged folder of latents"),
        (lambda folder: (folder / "train_moments.npy").write_bytes(b"short"), "has 5 bytes, not"),
        (lambda folder: _edit(folder, layout=99), "its layout is 99"),
        (lambda folder: _edit(folder, encoding={}), "damaged folder of latents"),
        (lambda folder: _flip_a_bit(folder / "train_mirrored.npy"), "train_mirrored.npy is not what was written"),
    ],
)
def test_damage_is_one_line(encoded: Path, tmp_path: Path, damage, told: str) -> None:  # type: ignore[no-untyped-def]
    shutil.copytree(encoded, tmp_path / "copy")
    damage(tmp_path / "copy")
    with pytest.raises(ValueError, match=told) as error:
        load_dataset(f"latents:{tmp_path / 'copy'}")
    assert "\n" not in str(error.value)
