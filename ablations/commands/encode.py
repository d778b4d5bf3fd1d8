"""``uvit encode``: a dataset's latents, stored once."""

from __future__ import annotations

from ablations.commands.plugins import with_plugins
from ablations.commands.requests import EncodeRequest
from bench.data.latent_folder import LatentFolder
from bench.latents.encode import EncodingProgress, EncodingTask, encode_dataset


@with_plugins
def encode(request: EncodeRequest) -> tuple[LatentFolder, bool]:
    """Encode a dataset; returns what lies there, and whether anything was left to do. Raises as `encode_dataset`."""
    task = EncodingTask(
        dataset=request.dataset,
        autoencoder=request.autoencoder,
        out=request.out,
        image_size=request.image_size,
        batch=request.batch,
        scale=request.scale,
        flips=request.flips,
        text_encoder=request.text_encoder,
        device=request.device,
        data_dir=request.data_dir,
    )
    return encode_dataset(task, progress=EncodingProgress())


def encode_lines(stored: LatentFolder, *, fresh: bool) -> list[str]:
    """What lies where, and how to train on it."""
    count, encoding = sum(stored.counts.values()), stored.encoding
    size = f"{encoding.channels}x{encoding.size}x{encoding.size}"
    return [
        f"{count:,} images as latents of {size} in {stored.folder}{'' if fresh else ' (already encoded)'}",
        f"train on them with --dataset latents:{stored.folder}",
    ]
