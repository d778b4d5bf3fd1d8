"""A trained cell read back from its checkpoint, ready to be asked something: network, process, dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.model import load_model
from bench.conditions.base import Condition
from bench.conditions.labels import Labels, as_labels
from bench.data.load import load_cached_dataset

if TYPE_CHECKING:
    from torch import nn

    from bench.data import Dataset
    from bench.diffusion import Process
    from bench.latents.decoder import Decoder
    from bench.machine.runtime import Runtime

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
    from bench.checkpoints.file import load_checkpoint, newest_checkpoint
    from bench.diffusion import PROCESSES
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


def condition_in(
    header: Mapping[str, Any],
    *,
    labels: Sequence[int] = (),
    guidance: float = 0.0,
    asked: Mapping[str, Any] | None = None,
) -> Condition:
    """The condition of the network in a checkpoint's ``header``; ValueError where it cannot take what is asked for.

    ``asked`` holds prompts, text encoder and device for `bench.trained.prompts`, where text is to be drawn from.
    """
    from bench.trained.prompts import check_no_text, text_in, untold_text

    network = header["model"]
    classes = int(network.get("num_classes", 0))
    if network.get("context_tokens"):
        if labels:
            raise ValueError(f"--label: this checkpoint ({header['variant']}) takes text; give --prompt instead")
        return untold_text(header) if asked is None else text_in(header, guidance=guidance, **asked)
    if asked is not None:
        check_no_text(header, asked["prompts"], asked["text_encoder"])
    if not classes:
        for name, given in (("--label", labels), ("--guidance", guidance)):
            if given:
                raise ValueError(f"{name}: this checkpoint is unconditional ({header['variant']}); leave it out")
        return Condition()
    if guidance and not network.get("null_label"):
        raise ValueError("--guidance: this checkpoint was trained without dropping labels; leave it out")
    return Labels(
        num_classes=classes,
        null_label=bool(network.get("null_label")),
        wanted=as_labels(labels, classes, where="--label"),
    )


def decoder_in(header: Mapping[str, Any], device: str, autoencoder: Path | None = None) -> Decoder | None:
    """The decoder of a checkpoint of latents, None for one of pixels; ValueError where it cannot be had."""
    from bench.latents.decoder import decoder_for, papers_encoding

    encoding = header.get("dataset", {}).get("encoding")
    if encoding is None and "imported" in header:
        encoding = papers_encoding(header["model"])
    if encoding is not None:
        return decoder_for(encoding, device, given=autoencoder)
    if autoencoder is not None:
        raise ValueError(
            f"--autoencoder: this checkpoint ({header['variant']}) draws pixels, not latents; leave it out"
        )
    return None
