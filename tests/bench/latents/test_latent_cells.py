"""A cell on latents from encoding to score: it trains on latents, and is scored by decoded images against real ones."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.prepared import prepare, wanted_scores
from bench.cell.run import run_cell
from bench.cell.scoring import cached_reference, warm_scoring
from bench.checkpoints.file import checkpoint_path, load_checkpoint
from bench.config import EvaluationConfig, TrainingConfig
from bench.data import load_dataset
from bench.data.load import load_cached_dataset
from bench.latents.autoencoder import load_autoencoder
from bench.latents.decoder import VARIABLE, decoder_for, pictures_of
from bench.latents.encode import encode_dataset
from bench.machine.runtime import Runtime
from bench.sampling import NotFinite, sample_images
from bench.trained.drawing import Drawing
from bench.trained.sample import sample_checkpoint
from bench.training.validation import validation_loss
from results.record import Record
from tests.bench.latents.conftest import task_for
from tests.bench.latents.tiny import save_autoencoder
from variants import build

TRAINING = TrainingConfig(steps=4, batch_size=4, lr=1e-3, warmup=2, ema_decay=0.9, precision="float32")
EVALUATION = EvaluationConfig(
    every=2, val_images=4, samples=2, nfe=2, extractor="effnet-lite0", metrics=("frechet",), sample_batch=1
)


@pytest.fixture(scope="module")
def cell(encoded: Path) -> Cell:
    dataset = f"latents:{encoded}"
    return Cell(
        variant="uvit-micro/4", dataset=dataset, budget="test", training=TRAINING, evaluation=EVALUATION, seed=0
    )


@pytest.fixture(scope="module")
def run(cell: Cell, tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, Path]:
    root = tmp_path_factory.mktemp("run")
    return run_cell(cell, Place(root=root, runtime=Runtime(threads=1))), root


def test_the_record_has_losses_on_latents_and_scores_of_decoded_images(
    run: tuple[Record, Path], cell: Cell, autoencoder: Path, images: Path
) -> None:
    record, root = run
    assert (record.status, record.error) == ("ok", None)
    assert record.dataset["encoding"]["autoencoder"] == str(autoencoder)
    assert prepare(cell).model.channels == 4
    assert {"val_loss", "fd_effnet_lite0_2"} <= {score.metric for score in record.scores}
    card = next(score.card for score in record.scores if score.metric.startswith("fd_"))
    assert card["reference"] == "npz:images:train"
    assert card["reference_count"] == 22
    assert card["decoder_sha256"] == load_autoencoder(autoencoder).located.decoder_sha256
    assert card["floor"] is not None, "the floor is of held-out images, not of their latents"
    from PIL import Image

    with Image.open(next((root / "samples").rglob("*.png"))) as sheet:
        assert sheet.height == 32, "16-pixel images at two pixels a pixel, not 8-pixel latents"


def test_the_reference_is_that_of_the_images_themselves(cell: Cell, images: Path) -> None:
    ours, theirs = (
        cached_reference(pictures_of(load_dataset(name)).train, "effnet-lite0", "cpu", None, 0)
        for name in (cell.dataset, f"npz:{images}")
    )
    assert ours.hash == theirs.hash


def test_samples_are_decoded_from_scaled_latents(cell: Cell, autoencoder: Path) -> None:
    model = build(prepare(cell).model, seed=0).eval()
    seen: list[torch.Tensor] = []
    network = load_autoencoder(autoencoder)

    def decode(latents: torch.Tensor) -> torch.Tensor:
        seen.append(latents)
        return network.decode(latents / 0.18215)

    encoding = load_dataset(cell.dataset).card["encoding"]
    for batch in (3, 2):
        settings = {"count": 3, "shape": (4, 8, 8), "seed": 0, "sampler": "ddim", "nfe": 2, "batch_size": batch}
        ours, expected = (
            sample_images(model, runtime=Runtime(), decode=each, **settings)  # type: ignore[arg-type]
            for each in (decoder_for(encoding, "cpu"), decode)
        )
        assert ours.shape == (3, 3, 16, 16)
        assert torch.equal(ours, expected)
    assert [len(each) for each in seen] == [3, 2, 1]
    with pytest.raises(NotFinite, match="the decoder"):
        sample_images(model, runtime=Runtime(), decode=lambda z: z * torch.nan, **settings)  # type: ignore[arg-type]


def test_val_loss_takes_one_draw_of_the_held_out_latents(cell: Cell) -> None:
    dataset, model = load_dataset(cell.dataset), build(prepare(cell).model, seed=0).eval()
    assert dataset.held_out is not None
    first, second = (
        validation_loss(model, dataset.held_out, seed=0, images=4, runtime=Runtime(), batch_size=size).levels
        for size in (4, 3)
    )
    assert first == pytest.approx(second, rel=1e-5)


def test_uvit_sample_decodes(run: tuple[Record, Path], autoencoder: Path, tmp_path: Path) -> None:
    record, root = run
    checkpoint = root / "checkpoints" / record.train_id
    drawing = Drawing(count=2, nfe=2, sampler="dpm_solver", batch=256)
    where = {"weights": "ema", "device": "cpu", "precision": "float32"}
    out = sample_checkpoint(checkpoint, drawing, out=tmp_path / "a.npz", **where)
    images = np.load(out)["images"]
    assert images.shape == (2, 16, 16, 3)
    moved = shutil.copytree(autoencoder, tmp_path / "moved")
    moved_too = dataclasses.replace(drawing, autoencoder=moved)
    again = sample_checkpoint(checkpoint, moved_too, out=tmp_path / "b.npz", **where)
    assert np.array_equal(images, np.load(again)["images"])
    other = save_autoencoder(tmp_path / "other", seed=1)
    with pytest.raises(ValueError, match="made by another encoder"):
        sample_checkpoint(checkpoint, dataclasses.replace(drawing, autoencoder=other), out=tmp_path / "c.npz", **where)


def test_resuming_equals_going_through(run: tuple[Record, Path], cell: Cell, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(event: dict[str, object]) -> None:
        if event["step"] == 3:
            raise Killed

    with pytest.raises(Killed):
        run_cell(cell, Place(root=tmp_path, runtime=Runtime(threads=1)), report=kill)  # type: ignore[arg-type]
    record = run_cell(cell, Place(root=tmp_path, runtime=Runtime(threads=1)))
    ends = [
        load_checkpoint(checkpoint_path(root / "checkpoints" / record.train_id, 4)).tensors
        for root in (tmp_path, run[1])
    ]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


def test_another_decoder_of_the_same_encoder_is_another_score_and_not_another_training(
    cell: Cell, autoencoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file, save_file

    from bench.latents.autoencoder_weights import WEIGHTS

    prepared = prepare(cell)
    before = wanted_scores(prepared)
    finer = shutil.copytree(autoencoder, tmp_path / "finer")
    state = load_file(finer / WEIGHTS)
    state["decoder.conv_out.bias"] += 0.1
    save_file(state, finer / WEIGHTS)
    monkeypatch.setenv(VARIABLE, str(finer))
    after = wanted_scores(prepared)
    assert prepare(cell).train_id == prepared.train_id
    assert len(after.keys() & before.keys()) == 4, "validation losses need no decoder"
    assert len(after) == len(before) == 6
    encoding = prepared.dataset.card["encoding"]
    assert decoder_for(encoding, "cpu").sha256 != encoding["decoder_sha256"]


def test_what_scoring_needs_is_asked_for_before_any_training(
    images: Path, autoencoder: Path, cell: Cell, tmp_path: Path
) -> None:
    source = shutil.copy(images, tmp_path / "source.npz")
    kept = shutil.copytree(autoencoder, tmp_path / "autoencoder")
    encode_dataset(task_for(source, kept, tmp_path / "out"))
    ours = dataclasses.replace(cell, dataset=f"latents:{tmp_path / 'out'}")
    warm_scoring(ours, Place(root=Path("unused"), runtime=Runtime()))
    shutil.move(kept, tmp_path / "elsewhere")
    from bench.latents.decoder import forget_decoder

    forget_decoder()
    with pytest.raises(ValueError, match=r"need their autoencoder to be decoded: .*UVIT_AUTOENCODER=PATH"):
        warm_scoring(ours, Place(root=Path("unused"), runtime=Runtime()))
    source.unlink()
    load_cached_dataset.cache_clear()
    with pytest.raises(ValueError, match=r"are latents of npz:.*source.npz, whose images samples are scored against"):
        warm_scoring(ours, Place(root=Path("unused"), runtime=Runtime()))
    np.savez(source, images=np.zeros((24, 16, 16, 3), np.uint8), labels=np.zeros(24, np.int64))
    with pytest.raises(ValueError, match="has changed since"):
        pictures_of(load_dataset(ours.dataset))
