"""CKA of a trained cell: what is measured on what, the same for all cells, and refusals."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.run import run_cell
from bench.conditions.labels import Labels
from bench.config import EvaluationConfig, TrainingConfig
from bench.data import batch, to_unit
from bench.machine.runtime import Runtime
from bench.random import block_noise, stream
from bench.trained.cka import CkaProtocol, block_similarity
from bench.trained.cka_estimator import MinibatchCKA
from bench.trained.trained_cell import TrainedCell, dataset_of, load_trained
from results import Store
from tests.variants.data import CLASSES, small
from tests.variants.test_rivals import RIVALS, rival

TRAINING = TrainingConfig(steps=2, batch_size=4, lr=1e-2, warmup=1, ema_decay=0.9, image_size=16, precision="float32")
EVALUATION = EvaluationConfig(every=0, val_images=8, samples=0)
PROTOCOL = CkaProtocol(times=(0.2, 0.8), images=32, batch_size=8)


def _train(root: Path, variant: str = "uvit-micro/4", **training: Any) -> Path:
    """The folder of a cell's checkpoints."""
    cell = Cell(
        variant=variant, dataset="photos", budget="test", evaluation=EVALUATION, seed=0,
        training=dataclasses.replace(TRAINING, **training),
    )  # fmt: skip
    return root / "checkpoints" / run_cell(cell, Place(root=root, runtime=Runtime(threads=1))).train_id


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _train(tmp_path_factory.mktemp("run"))


def _load(folder: Path, weights: str = "ema") -> TrainedCell:
    return load_trained(folder, weights=weights, runtime=Runtime(threads=1))


def test_a_record_says_what_was_compared_and_reads_back(folder: Path, tmp_path: Path) -> None:
    cell = _load(folder)
    record = block_similarity(cell, dataset_of(cell), PROTOCOL)
    Store(tmp_path).write_cka(record)
    assert Store(tmp_path).cka() == ([record], [])
    assert (record.train_id, record.step, record.weights, record.seed) == (folder.name, 2, "ema", 0)
    assert (record.variant, record.preset, record.options) == ("uvit-micro/4", "uvit-micro/4", {})
    assert (record.images, record.batch_size, record.times, record.blocks) == (32, 8, [0.2, 0.8], 5)
    assert (record.split, record.process) == ("photos:held_out", "vp")
    assert record.provenance["runtime"]["precision"] == "float32"
    assert record.provenance["commit"] is None or len(record.provenance["commit"]) == 40


def test_the_maps_are_those_of_held_out_images_noised_by_the_cells_process(folder: Path) -> None:
    """Against the definition: x_t = alpha x_0 + sigma eps, one whole minibatch, hooks on the blocks themselves."""
    cell, protocol = _load(folder), CkaProtocol(times=(0.5,), images=16, batch_size=16)
    dataset = dataset_of(cell)
    seen: list[torch.Tensor] = []
    handle = cell.model.register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    record = block_similarity(cell, dataset, protocol)
    handle.remove()
    (x,) = seen
    alpha, sigma = cell.process.marginal(0.5)
    assert dataset.held_out is not None
    order = stream(0, "cka_images").permutation(len(dataset.held_out))[:16]
    noise = (x - alpha * to_unit(batch(dataset.held_out, order))) / sigma
    assert torch.allclose(noise, block_noise(0, "cka_noise", start=0, count=16, shape=(3, 16, 16)), atol=1e-5)
    states: list[torch.Tensor] = []
    blocks = [*cell.model.in_blocks, cell.model.mid_block, *cell.model.out_blocks]  # type: ignore[misc,union-attr]
    hooks = [block.register_forward_hook(lambda _m, _a, h: states.append(h)) for block in blocks]
    with torch.inference_mode():
        cell.model(x, torch.full((16,), 999 * 0.5))
    for hook in hooks:
        hook.remove()
    expected = MinibatchCKA()
    expected.add(states)
    np.testing.assert_allclose(record.maps[0], expected.cka(), atol=2e-6)
    assert record.errors == [None]


def test_measuring_again_gives_the_same_and_other_weights_another_record(folder: Path) -> None:
    ema, raw = _load(folder), _load(folder, "raw")
    first, again = (block_similarity(ema, dataset_of(ema), PROTOCOL) for _ in range(2))
    other = block_similarity(raw, dataset_of(raw), PROTOCOL)
    assert (first.cka_id, first.maps) == (again.cka_id, again.maps)
    assert first.cka_id != other.cka_id
    assert first.maps != other.maps


@pytest.mark.parametrize(
    "change",
    [{"times": (0.2,)}, {"images": 24}, {"batch_size": 16}, {"seed": 1}],
    ids=lambda change: next(iter(change)),
)
def test_the_id_depends_on_all_of_the_protocol(folder: Path, change: dict[str, Any]) -> None:
    cell = _load(folder)
    ids = {
        block_similarity(cell, dataset_of(cell), p).cka_id for p in (PROTOCOL, dataclasses.replace(PROTOCOL, **change))
    }
    assert len(ids) == 2


def test_all_cells_see_the_same_noisy_images(folder: Path, tmp_path: Path) -> None:
    seen = []
    for where in (folder, _train(tmp_path, "uvit-micro/4+skip=none")):
        cell, batches = _load(where), list[torch.Tensor]()
        cell.model.register_forward_pre_hook(lambda _module, args, kept=batches: kept.append(args[0]))
        block_similarity(cell, dataset_of(cell), PROTOCOL)
        seen.append(torch.cat(batches))
    assert torch.equal(*seen)
    assert len(seen[0]) == 64


@pytest.mark.parametrize("family", RIVALS)
def test_every_rival_can_be_compared(folder: Path, family: str) -> None:
    cell = dataclasses.replace(_load(folder), model=rival(family).eval())
    record = block_similarity(cell, dataset_of(cell), CkaProtocol(times=(0.5,), images=8, batch_size=8))
    assert record.blocks > 1
    assert record.maps[0][0][-1] < 1


def test_the_discrete_schedule_is_followed(tmp_path: Path) -> None:
    cell = _load(_train(tmp_path, process="sd"))
    record = block_similarity(cell, dataset_of(cell), CkaProtocol(times=(0.5,), images=8, batch_size=8))
    assert record.process == "sd"


def test_images_come_with_their_own_labels(folder: Path) -> None:
    cell, dataset = _load(folder), dataset_of(_load(folder))
    assert dataset.held_out is not None
    labels = np.arange(len(dataset.held_out)) % 4
    labelled = dataclasses.replace(
        dataset, num_classes=4, held_out=dataclasses.replace(dataset.held_out, labels=labels)
    )
    conditional = dataclasses.replace(
        cell,
        model=small("uvit-micro/4", data=CLASSES).eval(),
        condition=Labels(num_classes=4, null_label=True),
        header=dataclasses.replace(cell.header, model={"num_classes": 4}),
    )
    given: list[torch.Tensor] = []
    conditional.model.register_forward_pre_hook(lambda _module, args: given.append(args[2]))
    block_similarity(conditional, labelled, PROTOCOL)
    order = stream(0, "cka_images").permutation(len(labels))[:32]
    assert torch.equal(torch.cat(given[:4]), torch.from_numpy(labels[order]))
    with pytest.raises(ValueError, match="photos has 7 classes, and uvit-micro/4 was trained on 4"):
        dataset_of(conditional)


def test_only_whole_minibatches_count(folder: Path) -> None:
    cell = _load(folder)
    assert block_similarity(cell, dataset_of(cell), CkaProtocol(times=(0.5,), images=30, batch_size=8)).images == 24


def test_fewer_images_than_a_minibatch_are_refused(folder: Path) -> None:
    cell = _load(folder)
    dataset = dataset_of(cell)
    assert dataset.held_out is not None
    few = dataclasses.replace(
        dataset, held_out=dataclasses.replace(dataset.held_out, images=dataset.held_out.images[:5])
    )
    with pytest.raises(ValueError, match="photos:held_out has 5 images, fewer than a minibatch of 8; lower --batch"):
        block_similarity(cell, few, PROTOCOL)


def test_a_network_without_hidden_states_is_refused(folder: Path) -> None:
    cell = dataclasses.replace(_load(folder), model=torch.nn.Identity())
    with pytest.raises(ValueError, match="has no hidden_states"):
        block_similarity(cell, dataset_of(cell), PROTOCOL)


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_broken_weights_are_refused(folder: Path, value: float) -> None:
    cell = _load(folder)
    with torch.no_grad():
        for parameter in cell.model.parameters():
            parameter.fill_(value)
    with pytest.raises(ValueError, match="what block 1 holds is not finite, or the same for every image"):
        block_similarity(cell, dataset_of(cell), PROTOCOL)


def test_a_dataset_that_is_not_the_cells_own_is_refused(folder: Path) -> None:
    cell = _load(folder)
    changed = dataclasses.replace(cell.header, dataset={"name": "photos", "fingerprint": "0" * 64})
    with pytest.raises(ValueError, match="fingerprint differs"):
        dataset_of(dataclasses.replace(cell, header=changed))
    assert dataset_of(dataclasses.replace(cell, header=changed), name="photos").name == "photos"
    with pytest.raises(ValueError, match="names no dataset; add --dataset"):
        dataset_of(dataclasses.replace(cell, header=dataclasses.replace(cell.header, dataset={})))
    grey = dataclasses.replace(cell.header, channels=1)
    with pytest.raises(ValueError, match="3 channels of 16 pixels, and uvit-micro/4 was trained on 1 of 16"):
        dataset_of(dataclasses.replace(cell, header=grey))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 3}, "--batch: expected at least 4"),
        ({"images": 7}, "--images: expected at least one minibatch of 8"),
        ({"times": ()}, "--t: expected times between 0 and 1"),
        ({"times": (0.0,)}, "--t: expected times between 0 and 1"),
        ({"times": (float("nan"),)}, "--t: expected times between 0 and 1"),
    ],
)
def test_a_protocol_that_measures_nothing_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PROTOCOL, **change)
