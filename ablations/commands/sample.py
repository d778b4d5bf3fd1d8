"""``uvit sample``: images of a checkpoint in a file or a folder."""

from __future__ import annotations

from pathlib import Path

from ablations.commands.plugins import with_plugins
from ablations.commands.requests import SampleRequest
from bench.trained.drawing import Drawing
from bench.trained.sample import sample_checkpoint


@with_plugins
def sample(request: SampleRequest) -> Path:
    """Draw images and write them whole or not at all; returns where. Raises as `sample_checkpoint` does."""
    drawing = Drawing(
        count=request.count,
        seed=request.seed,
        sampler=request.sampler,
        nfe=request.nfe,
        labels=tuple(request.labels),
        guidance=request.guidance,
        prompts=tuple(request.prompts),
        text_encoder=request.text_encoder,
        autoencoder=request.autoencoder,
        batch=request.batch,
    )
    return sample_checkpoint(
        request.checkpoint,
        drawing,
        out=request.out,
        weights=request.weights,
        device=request.device,
        precision=request.precision,
    )
