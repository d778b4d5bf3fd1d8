"""A trained cell read back from its checkpoint, ready to be asked something: network, process, dataset, images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.header import Header
from bench.checkpoints.model import load_model
from bench.conditions.base import Condition
from bench.data.load import load_cached_dataset
from bench.trained.drawing import Drawing, Drawn, check_fits, decoder_in, labels_in

if TYPE_CHECKING:
    from torch import nn

    from bench.data import Dataset
    from bench.diffusion import Process
    from bench.diffusion.prediction import Prediction
    from bench.machine.runtime import Runtime

WEIGHTS = ("ema", "raw")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedCell:
    """A network with its ``ema`` or ``raw`` weights, on the runtime's device and in evaluation mode.

    ``condition`` is what it is told of a dataset's own images; `draw` makes the one of a drawing.
    """

    path: Path
    header: Header
    weights: str
    model: nn.Module
    process: Process
    prediction: Prediction
    condition: Condition
    runtime: Runtime

    @property
    def variant(self) -> str:
        return self.header.variant

    @property
    def identity(self) -> dict[str, Any]:
        """What names these weights in a record, and what the record says of their cell."""
        from variants import as_spec

        spec = as_spec(self.variant)
        return {
            "train_id": self.header.train_id,
            "variant": self.variant,
            "preset": spec.preset,
            "options": dict(spec.options),
            "seed": self.header.seed,
            "step": self.header.step,
            "weights": self.weights,
        }

    def draw(self, drawing: Drawing) -> Drawn:
        """Images of the network, and their card.

        Raises ValueError where it cannot take what is asked for, or where what decodes or encodes is missing.
        """
        from bench.sampling import sample_images

        device = self.runtime.device
        condition = _condition(self.header, drawing, device)
        decoder = decoder_in(self.header, device, drawing.autoencoder)
        images = sample_images(
            self.model,
            count=drawing.count,
            shape=self.header.shape,
            seed=drawing.seed,
            sampler=drawing.sampler,
            nfe=drawing.evaluations,
            runtime=self.runtime,
            process=self.process,
            prediction=self.prediction,
            condition=condition,
            guidance=drawing.guidance,
            decode=decoder,
            batch_size=drawing.batch,
        )
        decoded = {"decoder_sha256": decoder.sha256, "latent_scale": decoder.scale} if decoder else {}
        return Drawn(images=images, card=self._card(drawing) | decoded)

    def _card(self, drawing: Drawing) -> dict[str, Any]:
        card = {
            "variant": self.variant,
            "train_id": self.header.train_id,
            "step": self.header.step,
            "weights": self.weights,
            "process": self.header.process,
            "prediction": self.header.prediction if self.header.prediction != "eps" else None,
            "sampler": drawing.sampler,
            "nfe": drawing.evaluations,
            "guidance": 1.0 + drawing.guidance,
            "seed": drawing.seed,
            "labels": list(drawing.labels) or None,
            "prompts": list(drawing.prompts) or None,
        }
        return {name: value for name, value in card.items() if value is not None}


def load_trained(checkpoint: Path, *, weights: str, runtime: Runtime, measure_attention: bool = False) -> TrainedCell:
    """The cell of a checkpoint file, or of the newest checkpoint in a folder.

    ``measure_attention`` takes the kernel that is faster for this network here, in place of the runtime's. Raises
    FileNotFoundError where there is no checkpoint, ValueError for a damaged one and for unknown ``weights``.
    """
    from bench.checkpoints.file import load_checkpoint, newest_checkpoint
    from bench.diffusion import PROCESSES
    from bench.diffusion.prediction import PREDICTIONS
    from bench.machine.attention_kernel import with_measured_attention
    from bench.trained.prompts import untold_text
    from variants.layers.attention import set_attention_kernel

    if weights not in WEIGHTS:
        raise ValueError(f"--weights: expected one of {', '.join(WEIGHTS)}; got {weights!r}")
    loaded = load_checkpoint(newest_checkpoint(checkpoint))
    header = loaded.header
    model = load_model(loaded, weights=weights)
    if measure_attention:
        runtime = with_measured_attention(runtime, [header.config], training=False)
    set_attention_kernel(model, str(runtime.attention))
    return TrainedCell(
        path=loaded.path,
        header=header,
        weights=weights,
        model=model.to(runtime.device).eval(),
        process=PROCESSES.get(header.process),
        prediction=PREDICTIONS.get(header.prediction),
        condition=untold_text(header) if header.context_tokens else labels_in(header),
        runtime=runtime,
    )


def _condition(header: Header, drawing: Drawing, device: str) -> Condition:
    """What the network of ``header`` is told while it draws; texts are encoded on ``device``."""
    from bench.trained.prompts import text_in

    check_fits(header, drawing)
    return text_in(header, drawing, device=device) if header.context_tokens else labels_in(header, drawing.labels)


def dataset_of(cell: TrainedCell, *, name: str = "", data_dir: Path | None = None) -> Dataset:
    """The dataset that ``cell`` was trained on, or ``name`` in its place.

    Raises ValueError where the checkpoint names none, where it is not the same any more, and where ``name`` has images
    of another shape, or not the labels, that the network takes.
    """
    card, shape = cell.header.dataset, (cell.header.channels, cell.header.image_size)
    known = str(card.get("name", ""))
    dataset = _loaded(cell, name, known, lambda wanted, size: load_cached_dataset(wanted, data_dir, size))
    if (dataset.channels, dataset.image_size) != shape:
        raise ValueError(
            f"{dataset.name} has {dataset.channels} channels of {dataset.image_size} pixels, and {cell.variant} was "
            f"trained on {shape[0]} of {shape[1]}; give --dataset its own"
        )
    if cell.header.context_tokens and dataset.train.contexts is None:
        raise ValueError(
            f"{dataset.name} has no encoded captions, and {cell.variant} was trained on some; give --dataset its own"
        )
    classes = cell.header.num_classes
    if classes and dataset.num_classes != classes:
        raise ValueError(
            f"{dataset.name} has {dataset.num_classes} classes, and {cell.variant} was trained on {classes}; give "
            "--dataset its own"
        )
    if not name and dataset.fingerprint != card.get("fingerprint"):
        raise ValueError(
            f"{known} is not what {cell.variant} was trained on (its fingerprint differs); add --dataset {known} to "
            "take it all the same"
        )
    return dataset


def _loaded(cell: TrainedCell, name: str, known: str, load: Callable[[str, int | None], Dataset]) -> Dataset:
    """``name`` at the network's image size, else the dataset that the checkpoint knows, as it was trained on."""
    if name:
        size = None if name.startswith("latents:") else cell.header.image_size  # latents know their own
        return load(name, size)
    if not known:
        raise ValueError(f"the checkpoint of {cell.variant} names no dataset; add --dataset, such as --dataset cifar10")
    try:
        return load(known, cell.header.training.get("image_size") or None)
    except ValueError as error:
        if ":" not in known:
            raise
        kind = known.partition(":")[0]
        raise ValueError(f"{cell.variant} was trained on {known}; add --dataset {kind}:PATH ({error})") from None
