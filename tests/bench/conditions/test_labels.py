"""Labels through training, validation and sampling: whose they are, which are dropped, what guidance asks for."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.prepared import prepare
from bench.cell.run import run_cell
from bench.conditions.choice import check_settings, condition_of
from bench.conditions.labels import Labels, as_labels
from bench.config import EvaluationConfig, TrainingConfig
from bench.data import Dataset, Split
from bench.diffusion.samplers import SAMPLERS
from bench.machine.runtime import Runtime
from bench.sampling import sample_images
from bench.training.batches import training_batch, training_batches
from bench.training.benchmark_step import make_step
from bench.training.network import prepare_network
from bench.training.step import TrainState
from bench.training.validation import validation_loss
from results.record import Record
from variants import create_model

CLASSES = 5
TRAINING = TrainingConfig(
    steps=2, batch_size=4, lr=1e-3, warmup=0, ema_decay=0.9, image_size=16, precision="float32", condition="label",
    p_uncond=0.5,
)  # fmt: skip
EVALUATION = EvaluationConfig(
    every=0, val_images=4, samples=4, nfe=2, reference_count=32, extractor="effnet-lite0", metrics=("frechet",),
    guidance=0.4,
)  # fmt: skip


def _split(size: int = 40) -> Split:
    labels = np.arange(size) % CLASSES
    images = np.broadcast_to(labels[:, None, None, None], (size, 1, 8, 8)).astype(np.uint8)  # a pixel is the label
    return Split(name="x:train", fingerprint="f", images=images, labels=labels.astype(np.int64))


def _dataset(split: Split | None = None, num_classes: int = CLASSES) -> Dataset:
    return Dataset(
        name="x", train=split or _split(), held_out=None, num_classes=num_classes, channels=1, image_size=8, flip=True,
        fingerprint="f", card={},
    )  # fmt: skip


class Asked(nn.Module):
    """Answers with the mean label of its batch, and remembers the labels."""

    def __init__(self) -> None:
        super().__init__()
        self.labels = list[Tensor]()

    def forward(self, x: Tensor, timesteps: Tensor, y: Tensor) -> Tensor:
        self.labels.append(y)
        return torch.zeros_like(x) + 0.01 * y.view(-1, 1, 1, 1)


def test_each_training_image_has_its_own_label() -> None:
    batch = training_batch(
        _dataset(), seed=3, step=2, batch_size=16, device="cpu", condition=Labels(num_classes=CLASSES)
    )
    pixels = ((batch.x0[:, 0, 0, 0] + 1) * 127.5).round().long()
    assert torch.equal(batch.condition["y"], pixels)
    assert batch.condition["y"].dtype == torch.int64


def test_conditioning_moves_no_other_draw() -> None:
    plain = training_batch(_dataset(), seed=3, step=2, batch_size=16, device="cpu")
    told = training_batch(
        _dataset(), seed=3, step=2, batch_size=16, device="cpu",
        condition=Labels(num_classes=CLASSES, null_label=True, p_uncond=0.5),
    )  # fmt: skip
    assert plain.condition == {}
    for name in ("x0", "t", "noise"):
        assert torch.equal(getattr(plain, name), getattr(told, name))


def test_a_share_of_labels_is_dropped_anew_each_step() -> None:
    condition = Labels(num_classes=CLASSES, null_label=True, p_uncond=0.25)
    indices = np.zeros(2000, np.int64)
    drops = [condition.training(_split(), indices, seed=0, step=step)["y"] == CLASSES for step in (0, 1)]
    assert [float(drop.float().mean()) for drop in drops] == pytest.approx([0.25, 0.25], abs=0.04)
    assert not torch.equal(*drops)
    again = condition.training(_split(), indices, seed=0, step=0)["y"] == CLASSES
    assert torch.equal(again, drops[0])


def test_batches_drawn_ahead_bring_the_same_labels() -> None:
    condition = Labels(num_classes=CLASSES, null_label=True, p_uncond=0.5)
    for ahead in (False, True):
        batches = training_batches(
            _dataset(), seed=1, steps=range(3), batch_size=6, device="cpu", condition=condition, ahead=ahead
        )
        for step, drawn in enumerate(batches):
            alone = training_batch(_dataset(), seed=1, step=step, batch_size=6, device="cpu", condition=condition)
            assert torch.equal(drawn.condition["y"], alone.condition["y"])


def test_a_sample_keeps_its_label_whatever_the_batch() -> None:
    condition = Labels(num_classes=CLASSES)
    whole = condition.sampling(seed=7, start=0, count=200)["y"]
    parts = [condition.sampling(seed=7, start=start, count=50)["y"] for start in range(0, 200, 50)]
    assert torch.equal(torch.cat(parts), whole)
    assert set(whole.tolist()) == set(range(CLASSES))
    assert not torch.equal(condition.sampling(seed=8, start=0, count=200)["y"], whole)
    taken = dataclasses.replace(condition, wanted=(4, 1)).sampling(seed=7, start=3, count=4)["y"]
    assert taken.tolist() == [1, 4, 1, 4]


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_guidance_reaches_every_sampler_in_one_pass(sampler: str) -> None:
    model, condition = Asked(), Labels(num_classes=CLASSES, null_label=True, wanted=(2,))
    ask: dict[str, Any] = {"count": 3, "shape": (1, 4, 4), "seed": 0, "sampler": sampler, "nfe": 3}
    sample_images(model, condition=condition, guidance=1.0, runtime=Runtime(), **ask)
    assert [labels.tolist() for labels in model.labels] == [[2, 2, 2, CLASSES, CLASSES, CLASSES]] * 3
    plain = Asked()
    sample_images(plain, condition=condition, runtime=Runtime(), **ask)
    assert [labels.tolist() for labels in plain.labels] == [[2, 2, 2]] * 3


def test_held_out_images_are_judged_under_their_own_labels() -> None:
    model, split = Asked(), _split(8)
    condition = Labels(num_classes=CLASSES, null_label=True, p_uncond=0.9)
    validation_loss(model, split, seed=0, images=8, runtime=Runtime(), condition=condition)
    assert len(model.labels) == 5
    assert all(sorted(labels.tolist()) == sorted((np.arange(8) % CLASSES).tolist()) for labels in model.labels)


def test_a_step_teaches_the_labels_of_its_batch_and_no_other() -> None:
    condition = Labels(num_classes=CLASSES, null_label=True, p_uncond=0.5)
    model = create_model("uvit-micro/4", image_size=8, channels=1, **condition.network)
    state = TrainState(prepare_network(model, Runtime(attention="plain")), TrainingConfig(warmup=0), Runtime())
    data = training_batch(_dataset(), seed=0, step=0, batch_size=3, device="cpu", condition=condition)
    state.train_step(data.x0, data.t, data.noise, **data.condition)
    assert model.label_emb is not None and model.label_emb.weight.grad is not None
    taught = model.label_emb.weight.grad.abs().sum(dim=1) > 0
    assert set(taught.nonzero().flatten().tolist()) == set(data.condition["y"].tolist())


def _record(root: Path, **training: Any) -> Record:
    cell = Cell(
        variant="uvit-micro/4", dataset="photos", budget="t", seed=0, evaluation=EVALUATION,
        training=dataclasses.replace(TRAINING, **training),
    )  # fmt: skip
    return run_cell(cell, Place(root=root, runtime=Runtime(threads=1)))


def test_a_conditional_cell_trains_samples_with_guidance_and_says_so(tmp_path: Path) -> None:
    record = _record(tmp_path)
    assert record.status == "ok", record.error
    card = next(score.card for score in record.scores if score.metric.startswith("fd_"))
    assert (card["guidance"], card["labels"]) == (1.4, "uniform over 7")
    prepared = prepare(
        Cell(variant="uvit-micro/4", dataset="photos", budget="t", seed=0, training=TRAINING, evaluation=EVALUATION)
    )
    assert (prepared.model.num_classes, prepared.model.null_label) == (7, True)
    assert prepared.train_id == record.train_id


def test_the_condition_is_part_of_the_training_and_guidance_of_the_score() -> None:
    def ids(guidance: float, **training: Any) -> tuple[str, set[str]]:
        from bench.cell.prepared import wanted_scores

        prepared = prepare(
            Cell(
                variant="uvit-micro/4", dataset="photos", budget="t", seed=0,
                training=dataclasses.replace(TRAINING, **training),
                evaluation=dataclasses.replace(EVALUATION, guidance=guidance),
            )
        )  # fmt: skip
        return prepared.train_id, set(wanted_scores(prepared))

    trained, scores = ids(0.4)
    assert ids(0.0)[0] == trained and ids(0.0)[1] != scores
    others = [ids(0.4, p_uncond=0.1)[0], ids(0.0, p_uncond=0.0)[0], ids(0.0, p_uncond=0.0, condition="none")[0]]
    assert len({trained, *others}) == 4


def test_what_cannot_be_is_said_in_one_line() -> None:
    unlabelled = dataclasses.replace(_split(), labels=None)
    with pytest.raises(ValueError, match=r"dataset x has no labels; take one with classes"):
        condition_of(TRAINING, _dataset(unlabelled, 0))
    with pytest.raises(ValueError, match=r"p_uncond=0\.5: an unconditional training has nothing to drop"):
        check_settings(dataclasses.replace(TRAINING, condition="none"), EvaluationConfig())
    with pytest.raises(ValueError, match=r"guidance=0\.4: an unconditional network cannot be guided"):
        check_settings(TrainingConfig(), EVALUATION)
    with pytest.raises(ValueError, match=r"guidance=0\.4: guidance needs a network that also learns without"):
        check_settings(dataclasses.replace(TRAINING, p_uncond=0.0), EVALUATION)
    with pytest.raises(ValueError, match=r"--label: expected labels from 0 to 4, got 5"):
        as_labels([0, 5], CLASSES, where="--label")
    with pytest.raises(ValueError, match=r"guidance 0\.4 needs a network that was trained with dropped conditions"):
        sample_images(
            Asked(), count=2, shape=(1, 4, 4), seed=0, sampler="dpm_solver", nfe=2, runtime=Runtime(), guidance=0.4
        )


def test_a_benchmark_step_may_have_labels() -> None:
    assert torch.isfinite(make_step("uvit-micro/4", image_size=16, channels=3, batch_size=2, num_classes=3)())
