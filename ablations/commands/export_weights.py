"""``uvit export-weights``: a checkpoint's weights as the official code names them."""

from __future__ import annotations

from pathlib import Path

from ablations.commands.plugins import with_plugins
from ablations.commands.requests import ExportRequest
from bench.checkpoints import official
from variants.config import ModelConfig


@with_plugins
def export_weights(request: ExportRequest) -> tuple[Path, ModelConfig]:
    """Write the file, whole or not at all; raises as `bench.checkpoints.official.export_weights` does."""
    return official.export_weights(request.checkpoint, request.out, weights=request.weights)


def export_line(path: Path, config: ModelConfig) -> str:
    """Where the weights are, and what `variants.official.load` cannot tell from them."""
    told = "".join(f", {name}={value}" for name, value in official.untold(config).items())
    return f"{path}{told and f' (load it with{told[1:]})'}"
