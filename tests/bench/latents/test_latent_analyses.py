"""A cell of latents in `uvit cka` and `uvit neighbours`: states of latents, and pictures beside pictures."""

import dataclasses
from pathlib import Path

import pytest

from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.run import run_cell
from bench.config import EvaluationConfig, TrainingConfig
from bench.fid import load_extractor
from bench.latents.decoder import pictures_of
from bench.machine.runtime import Runtime
from bench.trained.cka import CkaProtocol, block_similarity
from bench.trained.drawing import Drawing
from bench.trained.neighbours import NeighbourSearch, training_neighbours
from bench.trained.trained_cell import TrainedCell, dataset_of, load_trained

TRAINING = TrainingConfig(steps=1, batch_size=4, lr=1e-3, warmup=0, ema_decay=0.9, precision="float32")


@pytest.fixture(scope="module")
def cell(encoded: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedCell:
    root, evaluation = tmp_path_factory.mktemp("run"), EvaluationConfig(every=0, val_images=2, samples=0)
    made = Cell(
        variant="uvit-micro/4", dataset=f"latents:{encoded}", budget="test", training=TRAINING, evaluation=evaluation,
        seed=0,
    )  # fmt: skip
    record = run_cell(made, Place(root=root, runtime=Runtime(threads=1)))
    return load_trained(root / "checkpoints" / record.train_id, weights="ema", runtime=Runtime(threads=1))


def test_blocks_are_compared_on_latents(cell: TrainedCell, encoded: Path) -> None:
    dataset = dataclasses.replace(dataset_of(cell, name=f"latents:{encoded}"), held_out=None)
    record = block_similarity(cell, dataset, CkaProtocol(times=(0.5,), images=16, batch_size=8))
    assert (record.images, record.split) == (16, "latents:encoded:train")
    assert record.maps == block_similarity(cell, dataset, CkaProtocol(times=(0.5,), images=16, batch_size=8)).maps


def test_decoded_samples_stand_beside_the_images_themselves(cell: TrainedCell, encoded: Path) -> None:
    search = NeighbourSearch(drawing=Drawing(count=3, nfe=2, sampler="dpm_solver", batch=256), k=2)
    dataset = pictures_of(dataset_of(cell, name=f"latents:{encoded}"))
    samples = cell.draw(search.drawing).images
    assert samples.shape == (3, 3, 16, 16)
    record = training_neighbours(cell, samples, dataset, load_extractor("effnet-lite0"), search).record
    assert (record.split, record.compared) == ("npz:images:train", 22)


def test_a_dataset_that_is_found_by_path_alone_is_asked_for(cell: TrainedCell) -> None:
    with pytest.raises(ValueError, match="was trained on latents:encoded; add --dataset latents:PATH"):
        dataset_of(cell)
