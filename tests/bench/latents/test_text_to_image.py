"""Text-to-image from caption files to drawn prompts, on MS-COCO's own formats and tiny encoders."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cli
from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.prepared import prepare
from bench.cell.run import run_cell
from bench.conditions.choice import condition_of
from bench.conditions.text import Text
from bench.config import EvaluationConfig, TrainingConfig
from bench.data import Dataset, load_dataset
from bench.latents.encode import EncodingTask, encode_dataset
from bench.latents.text_encoder import load_text_encoder
from bench.machine.runtime import Runtime
from bench.random import stream
from bench.trained.drawing import Drawing
from bench.trained.sample import sample_checkpoint
from bench.training.batches import image_order, training_batch
from results.record import Record
from tests.bench.data.trees import coco
from tests.bench.latents.tiny import save_autoencoder, save_text_encoder

TOKENS = 18  # enough for the letters in which the captions of one image differ
TRAINING = TrainingConfig(
    steps=2, batch_size=4, lr=1e-3, warmup=2, ema_decay=0.9, precision="float32", condition="text", p_uncond=0.5
)
EVALUATION = EvaluationConfig(
    every=0, val_images=3, samples=4, nfe=2, extractor="effnet-lite0", metrics=("frechet",), guidance=1.0
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    coco(folder / "coco")
    save_autoencoder(folder / "autoencoder")
    save_text_encoder(folder / "clip", max_position_embeddings=TOKENS)
    return folder


def _task(place: Path, **changes: Any) -> EncodingTask:
    settings = {"dataset": "coco", "autoencoder": str(place / "autoencoder"), "text_encoder": str(place / "clip")}
    more = {"out": place / "z", "image_size": 16, "device": "cpu", "data_dir": place, "batch": 4}
    return EncodingTask(**(settings | more | changes))


@pytest.fixture(scope="module")
def dataset(place: Path) -> Dataset:
    encode_dataset(_task(place))
    return load_dataset(f"latents:{place / 'z'}")


@pytest.fixture(scope="module")
def cell(dataset: Dataset, place: Path) -> Cell:
    name = f"latents:{place / 'z'}"
    return Cell(variant="uvit-micro/4", dataset=name, budget="t", training=TRAINING, evaluation=EVALUATION, seed=0)


@pytest.fixture(scope="module")
def run(cell: Cell, tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, Path]:
    root = tmp_path_factory.mktemp("run")
    return run_cell(cell, Place(root=root, runtime=Runtime(threads=1))), root


@pytest.mark.parametrize("budget", ["coco", "coco-deep"])
def test_the_papers_budgets_can_be_planned(
    budget: str, place: Path, dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plan", "conv_head", "--budget", budget, "--dataset", f"latents:{place / 'z'}", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["cells"]) == 3


def test_every_caption_is_stored_beside_its_images_latents(place: Path, dataset: Dataset) -> None:
    source, encoder = load_dataset("coco", data_dir=place, image_size=16), load_text_encoder(place / "clip")
    for split, images in ((dataset.train, source.train), (dataset.held_out, source.held_out)):
        assert split is not None and images is not None and images.captions is not None
        assert split.contexts is not None
        assert len(split.contexts) == len(split) == len(images)
        for i, captions in enumerate(images.captions):
            expected = encoder(captions).numpy()
            for k in range(len(captions)):
                u = np.array([(k + 0.5) / len(captions)])
                assert np.allclose(split.contexts.take(np.array([i]), u)[0], expected[k], atol=1e-5)
        assert np.allclose(split.contexts.empty, encoder([""])[0], atol=1e-6)
    assert not dataset.flip, "a mirrored image may belie its caption"
    assert dataset.card["encoding"]["text_sha256"] == encoder.located.sha256


def test_encoding_captions_goes_on_where_it_was_killed(place: Path, dataset: Dataset, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(split: str, done: int, total: int) -> None:
        if (split, done) == ("train captions", 12):
            raise Killed

    seen: list[tuple[str, int]] = []
    task = _task(place, out=tmp_path / "z")
    with pytest.raises(Killed):
        encode_dataset(task, progress=kill)
    stored, _ = encode_dataset(task, progress=lambda split, done, total: seen.append((split, done)))
    assert seen[0] == ("train captions", 16)
    whole, _ = encode_dataset(_task(place))
    assert stored.sha256 == whole.sha256


def test_training_takes_one_caption_of_several_and_drops_some(dataset: Dataset) -> None:
    condition = condition_of(TRAINING, dataset)
    assert isinstance(condition, Text)
    contexts = dataset.train.contexts
    assert contexts is not None
    settings = {"seed": 5, "step": 3, "batch_size": 64, "device": "cpu"}
    drawn = training_batch(dataset, condition=condition, **settings)  # type: ignore[arg-type]
    order = image_order(5, step=3, batch_size=64, size=len(dataset.train))
    kept = contexts.take(order, stream(5, "caption", 3).random(64))
    dropped = stream(5, "drop_condition", 3).random(64) < 0.5
    assert 0 < dropped.sum() < 64
    expected = np.where(dropped[:, None, None], contexts.empty, kept)
    assert np.array_equal(drawn.condition["context"].numpy(), expected)
    assert len(np.unique(kept[order == 0].round(5), axis=0)) > 1, "not always the same caption"
    plain = training_batch(dataset, **settings)  # type: ignore[arg-type]
    for name in ("x0", "t", "noise"):
        assert torch.equal(getattr(plain, name), getattr(drawn, name)), "captions move no other draw"
    undropped = condition_of(dataclasses.replace(TRAINING, p_uncond=0.0), dataset)
    assert not undropped.has_null
    whole = training_batch(dataset, condition=undropped, **settings)  # type: ignore[arg-type]
    assert np.array_equal(whole.condition["context"].numpy(), kept)


def test_samples_take_held_out_captions_each_image_once_first(dataset: Dataset) -> None:
    condition, held_out = condition_of(TRAINING, dataset), dataset.held_out
    assert held_out is not None and held_out.contexts is not None
    rows = held_out.contexts.rows
    drawn = condition.sampling(seed=1, start=0, count=130)["context"].numpy()
    number = [int(np.flatnonzero((rows == row).all(axis=(1, 2)))[0]) for row in drawn]
    image = np.searchsorted(held_out.contexts.ends, number, side="right")
    assert sorted(image[:3]) == [0, 1, 2]
    assert len(set(number)) > 3
    part = condition.sampling(seed=1, start=60, count=9)["context"].numpy()
    assert np.array_equal(part, drawn[60:69]), "row i depends on the seed and i alone"
    assert np.array_equal(condition.null(2)["context"].numpy(), np.stack([held_out.contexts.empty] * 2))
    first = condition.held_out(held_out, np.arange(3))["context"].numpy()
    assert np.array_equal(first, rows[[0, *held_out.contexts.ends[:-1]]])


def test_a_cell_trains_on_text_and_is_scored_with_guidance(run: tuple[Record, Path], cell: Cell) -> None:
    record, _ = run
    assert (record.status, record.error) == ("ok", None)
    assert prepare(cell).model.context_tokens == TOKENS
    assert record.training["condition"] == "text"
    card = next(score.card for score in record.scores if score.metric.startswith("fd_"))
    assert (card["captions"], card["guidance"], card["reference"]) == ("of latents:z:held_out", 2.0, "coco:train")
    assert "val_loss" in {score.metric for score in record.scores}
    plain = dataclasses.replace(cell, training=dataclasses.replace(TRAINING, condition="none", p_uncond=0.0))
    assert prepare(plain).model.context_tokens == 0


def _sample(run: tuple[Record, Path], out: Path, **more: Any) -> np.ndarray:
    record, root = run
    asked = {name: tuple(value) if isinstance(value, list) else value for name, value in more.items()}
    drawing = Drawing(**{"count": 2, "sampler": "dpm_solver", "nfe": 2, "batch": 256, **asked})
    checkpoint = root / "checkpoints" / record.train_id
    path = sample_checkpoint(checkpoint, drawing, out=out, weights="ema", device="cpu", precision="float32")
    return np.asarray(np.load(path)["images"])


def test_prompts_are_drawn(run: tuple[Record, Path], place: Path, tmp_path: Path) -> None:
    cat, again = (_sample(run, tmp_path / f"{i}.npz", prompts=["a cat"]) for i in range(2))
    assert cat.shape == (2, 16, 16, 3)
    assert np.array_equal(cat, again)
    copied = save_text_encoder(tmp_path / "copied", max_position_embeddings=TOKENS)
    assert np.array_equal(cat, _sample(run, tmp_path / "c.npz", prompts=["a cat"], text_encoder=copied))
    both = _sample(run, tmp_path / "b.npz", prompts=["a cat", "dogs, 2"], guidance=500.0)
    guided = _sample(run, tmp_path / "g.npz", prompts=["a cat"], guidance=500.0)
    assert np.array_equal(both[0], guided[0])
    assert not np.array_equal(both[1], guided[1])
    assert not np.array_equal(guided, cat)


def test_wrong_requests_for_text_are_one_line(run: tuple[Record, Path], place: Path, tmp_path: Path) -> None:
    other, wider = save_text_encoder(tmp_path / "other", seed=1), save_text_encoder(tmp_path / "wide", hidden_size=32)
    for ask, told in (
        ({}, "give --prompt"),
        ({"prompts": ["a"], "text_encoder": tmp_path / "nowhere"}, "no text encoder at"),
        ({"prompts": ["a"], "text_encoder": other}, "learned captions of another text encoder"),
        ({"prompts": ["a"], "text_encoder": wider}, "learned captions of another text encoder"),
        ({"labels": [1]}, "give --prompt instead"),
    ):
        with pytest.raises(ValueError, match=told) as error:
            _sample(run, tmp_path / "x.npz", **ask)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=r"npz:images has no captions \(coco has\)"):
        np.savez(tmp_path / "images.npz", images=np.zeros((4, 16, 16, 3), np.uint8))
        encode_dataset(_task(place, dataset=f"npz:{tmp_path / 'images.npz'}", image_size=0, out=tmp_path / "out"))
    with pytest.raises(ValueError, match="another request"):
        encode_dataset(_task(place, text_encoder=""))
    encode_dataset(_task(place, text_encoder="", out=tmp_path / "silent"))
    with pytest.raises(ValueError, match="has no encoded captions; make latents of one"):
        condition_of(TRAINING, load_dataset(f"latents:{tmp_path / 'silent'}"))


def test_a_checkpoint_without_text_takes_none(cell: Cell, place: Path, tmp_path: Path) -> None:
    training = dataclasses.replace(TRAINING, condition="none", p_uncond=0.0)
    plain = dataclasses.replace(
        cell, training=training, evaluation=dataclasses.replace(EVALUATION, samples=0, guidance=0.0)
    )
    record = run_cell(plain, Place(root=tmp_path, runtime=Runtime(threads=1)))
    for ask, told in (
        ({"prompts": ["a"]}, "--prompt: this"),
        ({"text_encoder": place / "clip"}, "--text-encoder: this"),
    ):
        with pytest.raises(ValueError, match=told):
            _sample((record, tmp_path), tmp_path / "x.npz", **ask)


def test_guidance_needs_dropped_captions(cell: Cell, tmp_path: Path) -> None:
    training = dataclasses.replace(TRAINING, p_uncond=0.0, steps=1)
    evaluation = dataclasses.replace(EVALUATION, samples=0, guidance=0.0)
    undropped = dataclasses.replace(cell, training=training, evaluation=evaluation)
    record = run_cell(undropped, Place(root=tmp_path, runtime=Runtime(threads=1)))
    with pytest.raises(ValueError, match="trained without dropping captions"):
        _sample((record, tmp_path), tmp_path / "x.npz", prompts=["a"], guidance=1.0)
