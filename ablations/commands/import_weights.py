"""``uvit import-weights``: a checkpoint of the official code's weights."""

from __future__ import annotations

from ablations.commands.requests import ImportRequest
from bench.checkpoints import official
from bench.checkpoints.official import Imported


def import_weights(request: ImportRequest) -> Imported:
    """Write the checkpoint, whole or not at all; raises as `bench.checkpoints.official.import_weights` does."""
    return official.import_weights(
        request.file,
        request.out,
        num_heads=request.num_heads,
        null_label=request.null_label,
        context_tokens=request.context_tokens,
        process=request.process,
        autoencoder=request.autoencoder,
        scale=request.scale,
        step=request.step,
    )


def import_line(made: Imported) -> str:
    """What the weights turned out to be, and where the checkpoint is."""
    config = made.config
    data = f"{config.channels}x{config.image_size}x{config.image_size}"
    classes = f", {config.num_classes} classes{' and a null label' if config.null_label else ''}"
    condition = classes if config.num_classes else f", {config.context_tokens} context tokens"
    given = condition if config.num_classes or config.context_tokens else ""
    return f"{made.variant} on {data}{given}, {config.num_heads} heads, process {made.process}: {made.path}"
