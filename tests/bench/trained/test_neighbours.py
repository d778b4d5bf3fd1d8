"""The search for copies on images whose answer is known: training images, mirrored ones, held-out ones."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.run import run_cell
from bench.config import EvaluationConfig, TrainingConfig
from bench.data import Dataset, batch
from bench.fid import Extractor, load_extractor
from bench.machine.runtime import Runtime
from bench.random import stream
from bench.sampling import sample_images
from bench.trained.drawing import Drawing
from bench.trained.neighbours import SHOWN, Neighbours, NeighbourSearch, training_neighbours
from bench.trained.trained_cell import TrainedCell, dataset_of, load_trained
from results import Store

TRAINING = TrainingConfig(steps=1, batch_size=4, lr=1e-3, warmup=0, ema_decay=0.9, image_size=16, precision="float32")
EVALUATION = EvaluationConfig(every=0, val_images=8, samples=0)
COPY = 1e-3  # features hang on the batch in their last digits; different images are a thousand times as far apart
DRAWING = Drawing(count=12, nfe=2, seed=3, sampler="dpm_solver", batch=256)
SEARCH = NeighbourSearch(drawing=DRAWING, k=2, training_images=60)


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> TrainedCell:
    made = Cell(
        variant="uvit-micro/4", dataset="photos", budget="test", training=TRAINING, evaluation=EVALUATION, seed=3
    )
    root = tmp_path_factory.mktemp("run")
    record = run_cell(made, Place(root=root, runtime=Runtime(threads=1)))
    return load_trained(root / "checkpoints" / record.train_id, weights="ema", runtime=Runtime(threads=1))


@pytest.fixture(scope="module")
def dataset(cell: TrainedCell) -> Dataset:
    """A hundred training images: a reference of 60 leaves some out."""
    whole = dataset_of(cell)
    assert whole.held_out is not None
    few, some = (np.array(split.images[::100][:count]) for split, count in ((whole.train, 100), (whole.held_out, 40)))
    return dataclasses.replace(
        whole,
        train=dataclasses.replace(whole.train, images=few, labels=None, fingerprint="few"),
        held_out=dataclasses.replace(whole.held_out, images=some, labels=None, fingerprint="some"),
    )


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return load_extractor("effnet-lite0")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.trained.neighbours.reference_for", partial(_reference_for, cache_dir=tmp_path / "cache"))


def _reference_for(*args: Any, **kwargs: Any) -> Any:
    from bench.fid.reference import reference_for

    return reference_for(*args, **kwargs)


def _all(cell: TrainedCell, images: torch.Tensor, dataset: Dataset, extractor: Extractor, **changes: Any) -> Neighbours:
    """What is found with changes of the search or of its drawing."""
    drawn = {name: changes.pop(name) for name in ("count", "nfe") if name in changes}
    drawing = dataclasses.replace(DRAWING, **drawn)
    search = dataclasses.replace(SEARCH, **({"training_images": 0, "drawing": drawing} | changes))
    return training_neighbours(cell, images, dataset, extractor, search)


def test_samples_are_those_of_the_cells_seed(cell: TrainedCell) -> None:
    expected = sample_images(
        cell.model, count=5, shape=(3, 16, 16), seed=3, sampler="dpm_solver", nfe=2, runtime=cell.runtime
    )
    assert torch.equal(cell.draw(dataclasses.replace(DRAWING, count=5)).images, expected)


def test_copies_of_training_images_are_found(cell: TrainedCell, dataset: Dataset, extractor: Extractor) -> None:
    copied = np.arange(0, 100, 9)
    record = _all(cell, batch(dataset.train, copied), dataset, extractor).record
    assert max(record.nearest) < COPY
    assert [row[0] for row in record.rows] == copied.tolist()
    assert record.suspicious == 12
    assert record.ratio is not None and record.ratio < 1e-4


def test_mirrored_copies_are_found_where_training_mirrors(
    cell: TrainedCell, dataset: Dataset, extractor: Extractor
) -> None:
    mirrored = batch(dataset.train, np.arange(5, 17)).flip(-1)
    flipping = dataclasses.replace(dataset, flip=True)
    assert max(_all(cell, mirrored, flipping, extractor).record.nearest) < COPY
    record = _all(cell, mirrored, dataset, extractor).record
    assert not record.mirrored
    assert max(record.nearest) > 1


def test_new_images_are_as_near_as_the_yardstick(cell: TrainedCell, dataset: Dataset, extractor: Extractor) -> None:
    assert dataset.held_out is not None
    order = stream(0, "neighbours_held_out").permutation(40)
    record = _all(cell, batch(dataset.held_out, order[:12]), dataset, extractor).record
    assert record.nearest == pytest.approx(record.held_out, abs=COPY)
    assert record.ratio == pytest.approx(1, abs=1e-4)
    assert record.suspicious <= 1
    assert len(_all(cell, batch(dataset.held_out, order), dataset, extractor, count=99).record.held_out) == 40


def test_the_sheet_shows_what_is_nearest_with_its_neighbours(
    cell: TrainedCell, dataset: Dataset, extractor: Extractor
) -> None:
    samples = cell.draw(DRAWING).images.clone()
    samples[7] = batch(dataset.train, [50])[0]
    found = _all(cell, samples, dataset, extractor)
    record, sheet = found.record, found.sheet.unflatten(0, (SHOWN, 2, 1 + SEARCH.k))
    assert found.columns == 6
    assert record.shown[0] == 7
    assert torch.equal(sheet[0, 0, 0], samples[7])
    assert torch.equal(sheet[0, 0, 1], samples[7])
    assert torch.equal(sheet[3, 0, 2], batch(dataset.train, [record.rows[record.shown[3]][1]])[0])
    near = [record.nearest[place] for place in record.shown]
    assert near == sorted(record.nearest)[:SHOWN]


def test_few_samples_leave_empty_places(cell: TrainedCell, dataset: Dataset, extractor: Extractor) -> None:
    found = _all(cell, cell.draw(dataclasses.replace(DRAWING, count=2)).images, dataset, extractor, count=2)
    assert len(found.sheet) == SHOWN * 6
    assert (found.sheet[2 * 6 :] == 255).all()


def test_rows_are_rows_of_the_split_also_for_a_part_of_it(
    cell: TrainedCell, dataset: Dataset, extractor: Extractor, tmp_path: Path
) -> None:
    from bench.fid.reference import chosen_rows

    rows = chosen_rows(100, 60)
    copied = rows[[3, 40, 59]]
    record = _all(cell, batch(dataset.train, copied), dataset, extractor, training_images=60).record
    assert [row[0] for row in record.rows] == copied.tolist()
    assert (record.compared, record.training_images) == (60, 100)
    assert (record.variant, record.seed, record.sample_seed, record.step) == ("uvit-micro/4", 3, 3, 1)
    assert record.weights_sha256 == extractor.card["weights_sha256"]
    Store(tmp_path).write_neighbours(record)
    assert Store(tmp_path).neighbours() == ([record], [])


def test_other_searches_are_other_records(cell: TrainedCell, dataset: Dataset, extractor: Extractor) -> None:
    images = batch(dataset.train, [1, 2])
    changes: list[dict[str, Any]] = [{}, {"k": 1}, {"nfe": 3}, {"training_images": 50}, {"count": 3}]
    ids = [_all(cell, images, dataset, extractor, **change).record.neighbours_id for change in [*changes, {}]]
    assert len(set(ids)) == len(changes)
    assert ids[0] == ids[-1]


def test_without_held_out_images_there_is_no_yardstick(
    cell: TrainedCell, dataset: Dataset, extractor: Extractor
) -> None:
    with pytest.raises(ValueError, match="photos holds out no images, so there is no yardstick"):
        _all(cell, batch(dataset.train, [1]), dataclasses.replace(dataset, held_out=None), extractor)


@pytest.mark.parametrize("name", ["count", "k", "batch"])
def test_a_search_for_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected at least 1, got 0"):
        dataclasses.replace(SEARCH, k=0) if name == "k" else dataclasses.replace(DRAWING, **{name: 0})
