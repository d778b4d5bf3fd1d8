"""`encode_dataset`: what is stored, that it survives a kill, and one line for every wrong request."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data import load_dataset, to_unit
from bench.data.latent_folder import read_folder
from bench.latents.autoencoder import load_autoencoder
from bench.latents.encode import encode_dataset
from tests.bench.latents.conftest import task_for
from tests.bench.latents.tiny import save_autoencoder


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.npy")}


def test_it_stores_the_moments_of_images_and_of_their_mirror_images(
    images: Path, autoencoder: Path, encoded: Path
) -> None:
    dataset, network = load_dataset(f"npz:{images}"), load_autoencoder(autoencoder)
    assert dataset.held_out is not None
    pixels = to_unit(torch.from_numpy(np.array(dataset.train.images)))
    held_out = to_unit(torch.from_numpy(np.array(dataset.held_out.images)))
    for name, expected in (
        ("train_moments", network.encode(pixels)),
        ("train_mirrored", network.encode(pixels.flip(-1))),
        ("held_out_moments", network.encode(held_out)),
    ):
        assert np.allclose(np.load(encoded / f"{name}.npy"), expected, atol=1e-5), name
    assert np.array_equal(np.load(encoded / "train_labels.npy"), dataset.train.labels)
    assert not (encoded / "held_out_mirrored.npy").exists()


def test_the_folder_says_what_it_is_of(images: Path, autoencoder: Path, encoded: Path) -> None:
    stored, located = read_folder(encoded), load_autoencoder(autoencoder).located
    encoding = stored.encoding
    assert encoding.source == f"npz:{images}"
    assert encoding.source_fingerprint == load_dataset(f"npz:{images}").fingerprint
    assert (encoding.autoencoder, encoding.encoder_sha256) == (str(autoencoder), located.encoder_sha256)
    assert (encoding.image_size, encoding.channels, encoding.size, encoding.num_classes) == (16, 4, 8, 3)
    assert (encoding.scale, encoding.flip) == (0.18215, True)
    assert stored.counts == {"train": 22, "held_out": 2}
    assert stored.sha256 == _hashes(encoded)
    assert {"torch", "diffusers", "device"} <= set(stored.made_with)


@pytest.mark.parametrize("at", [5, 15, 22])
def test_a_killed_run_goes_on_where_it_stopped(
    images: Path, autoencoder: Path, encoded: Path, tmp_path: Path, at: int
) -> None:
    class Killed(BaseException):
        pass

    seen: list[tuple[str, int]] = []

    def kill(split: str, done: int, total: int) -> None:
        if (split, done) == ("train", at):
            raise Killed

    task = task_for(images, autoencoder, tmp_path / "out")
    with pytest.raises(Killed):
        encode_dataset(task, progress=kill)
    assert not task.out.exists()
    partial = tmp_path / ".out.partial" / "train_moments.npy"
    partial.write_bytes(partial.read_bytes() + b"cut off in the middle of a row")
    encode_dataset(task, progress=lambda split, done, total: seen.append((split, done)))
    assert seen[0] == (("train", at + 5) if at < 20 else ("held_out", 2))
    assert _hashes(task.out) == _hashes(encoded)
    assert not (tmp_path / ".out.partial").exists()


def test_what_another_request_left_is_not_gone_on_with(images: Path, autoencoder: Path, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(split: str, done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        encode_dataset(task_for(images, autoencoder, tmp_path / "out", batch=20), progress=kill)
    seen: list[int] = []
    other = save_autoencoder(tmp_path / "other", seed=1)
    task = task_for(images, other, tmp_path / "out", batch=20)
    encode_dataset(task, progress=lambda split, done, total: seen.append(done))
    assert seen[0] == 20


def test_the_same_request_again_does_nothing_and_another_is_refused(
    images: Path, autoencoder: Path, encoded: Path
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in encoded.iterdir()}
    _, fresh = encode_dataset(task_for(images, autoencoder, encoded, batch=7))
    assert not fresh
    assert before == {path.name: path.stat().st_mtime_ns for path in encoded.iterdir()}
    with pytest.raises(ValueError, match=r"holds latents of another request \(scale is 0.18215, not 0.5\)"):
        encode_dataset(task_for(images, autoencoder, encoded, scale=0.5))


def test_an_empty_output_folder_is_taken(images: Path, autoencoder: Path, encoded: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    encode_dataset(task_for(images, autoencoder, tmp_path / "out"))
    assert _hashes(tmp_path / "out") == _hashes(encoded)


def test_one_process_at_a_time_writes(images: Path, autoencoder: Path, tmp_path: Path) -> None:
    task = task_for(images, autoencoder, tmp_path / "out")

    def meanwhile(split: str, done: int, total: int) -> None:
        with pytest.raises(ValueError, match="another process is encoding into"):
            encode_dataset(task)

    assert encode_dataset(task, progress=meanwhile)[1]


def test_flips_are_the_datasets_unless_asked_for(images: Path, autoencoder: Path, tmp_path: Path) -> None:
    stored, _ = encode_dataset(task_for(images, autoencoder, tmp_path / "out", flips=None))
    assert not stored.encoding.flip
    assert not (tmp_path / "out" / "train_mirrored.npy").exists()


def test_wrong_requests_are_one_line(images: Path, autoencoder: Path, encoded: Path, tmp_path: Path) -> None:
    grey = save_autoencoder(tmp_path / "grey", in_channels=1, out_channels=1)
    deep = {"down_block_types": ["DownEncoderBlock2D"] * 6, "up_block_types": ["UpDecoderBlock2D"] * 6}
    coarse = save_autoencoder(tmp_path / "coarse", block_out_channels=[4] * 6, **deep)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    out = tmp_path / "out"
    for changes, told in (
        ({"autoencoder": grey}, "takes images of 1 channels; dataset npz:images has 3"),
        ({"autoencoder": coarse}, "shrinks images 32 times; the 16 pixels of npz:images do not divide"),
        ({"autoencoder": tmp_path / "nowhere"}, "no autoencoder at"),
        ({"images": tmp_path / "nowhere.npz"}, "nowhere.npz is not there"),
        ({"out": tmp_path / "full"}, "exists and holds no latents"),
        ({"batch": 0}, "--batch: expected at least 1"),
        ({"scale": -1.0}, "--scale: expected a number above 0"),
        ({"image_size": -1}, "--image-size: expected at least 0"),
        ({"image_size": 5}, "image size must divide 16"),
    ):
        with pytest.raises(ValueError, match=told) as error:
            encode_dataset(task_for(**({"images": images, "autoencoder": autoencoder, "out": out} | changes)))  # type: ignore[arg-type]
        assert "\n" not in str(error.value)
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"
    task = task_for(images, autoencoder, out)
    with pytest.raises(ValueError, match="is latents already"):
        import dataclasses

        encode_dataset(dataclasses.replace(task, dataset=f"latents:{encoded}"))
