"""A trained cell read back from its checkpoint, ready to be asked something: network, process, dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.draw import condition_in, load_model
from bench.prepared import load_cached_dataset

if TYPE_CHECKING:
    from torch import nn

    from bench.conditions import Condition
    from bench.data import Dataset
    from bench.diffusion import Process
    from bench.runtime import Runtime

WEIGHTS = ("ema", "raw")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedCell:
    """A network with its ``ema`` or ``raw`` weights, on the runtime's device and in evaluation mode."""

    header: Mapping[str, Any]
    weights: str
    model: nn.Module
    process: Process
    condition: Condition
    runtime: Runtime

    @property
    def variant(self) -> str:
        return str(self.header["variant"])

    @property
    def identity(self) -> dict[str, Any]:
        """What names these weights in a record, and what the record says of their cell."""
        from variants import as_spec

        spec = as_spec(self.variant)
        return {
            "train_id": self.header["train_id"],
            "variant": self.variant,
            "preset": spec.preset,
            "options": dict(spec.options),
            "seed": self.header["seed"],
            "step": self.header["step"],
            "weights": self.weights,
        }


def load_trained(checkpoint: Path, *, weights: str, runtime: Runtime) -> TrainedCell:
    """The cell of a checkpoint file, or of the newest checkpoint in a folder.

    Raises FileNotFoundError where there is none, ValueError for a damaged one and for unknown ``weights``.
    """
    from bench.diffusion import PROCESSES
    from bench.training.checkpoint import load_checkpoint, newest_checkpoint
    from variants import ModelConfig
    from variants.layers.attention import set_attention_kernel

    if weights not in WEIGHTS:
        raise ValueError(f"--weights: expected one of {', '.join(WEIGHTS)}; got {weights!r}")
    loaded = load_checkpoint(newest_checkpoint(checkpoint))
    header = loaded.header
    condition = condition_in(header)
    config = ModelConfig.from_identity(header["model"])
    model = load_model(loaded, config, weights=weights)
    set_attention_kernel(model, str(runtime.attention))
    return TrainedCell(
        header=header,
        weights=weights,
        model=model.to(runtime.device).eval(),
        process=PROCESSES.get(header.get("training", {}).get("process", "vp")),
        condition=condition,
        runtime=runtime,
    )


def dataset_of(cell: TrainedCell, *, name: str = "", data_dir: Path | None = None) -> Dataset:
    """The dataset that ``cell`` was trained on, or ``name`` in its place.

    Raises ValueError where the checkpoint names none, where it is not the same any more, and where ``name`` has images
    of another shape, or not the labels, that the network takes.
    """
    card, shape = cell.header.get("dataset", {}), (cell.header["channels"], cell.header["image_size"])
    known = str(card.get("name", ""))
    dataset = _loaded(cell, name, known, data_dir)
    if (dataset.channels, dataset.image_size) != shape:
        raise ValueError(
            f"{dataset.name} has {dataset.channels} channels of {dataset.image_size} pixels, and {cell.variant} was "
            f"trained on {shape[0]} of {shape[1]}; give --dataset its own"
        )
    if cell.header["model"].get("context_tokens") and dataset.train.contexts is None:
        raise ValueError(
            f"{dataset.name} has no encoded captions, and {cell.variant} was trained on some; give --dataset its own"
        )
    classes = int(cell.header["model"].get("num_classes", 0))
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


def _loaded(cell: TrainedCell, name: str, known: str, data_dir: Path | None) -> Dataset:
    """``name`` at the network's image size, else the dataset that the checkpoint knows, as it was trained on."""
    if name:
        size = None if name.startswith("latents:") else int(cell.header["image_size"])  # latents know their own
        return load_cached_dataset(name, data_dir, size)
    if not known:
        raise ValueError(f"the checkpoint of {cell.variant} names no dataset; add --dataset, such as --dataset cifar10")
    try:
        return load_cached_dataset(known, data_dir, cell.header.get("training", {}).get("image_size") or None)
    except ValueError as error:
        if ":" not in known:
            raise
        kind = known.partition(":")[0]
        raise ValueError(f"{cell.variant} was trained on {known}; add --dataset {kind}:PATH ({error})") from None
