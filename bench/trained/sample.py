"""Images from a checkpoint on disk: what ``uvit sample`` does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def sample_checkpoint(
    checkpoint: Path,
    *,
    out: Path,
    count: int,
    seed: int = 0,
    sampler: str = "dpm_solver",
    nfe: int = 0,
    weights: str = "ema",
    labels: Sequence[int] = (),
    guidance: float = 0.0,
    prompts: Sequence[str] = (),
    text_encoder: Path | None = None,
    autoencoder: Path | None = None,
    batch: int = 256,
    device: str = "auto",
    precision: str = "auto",
) -> Path:
    """Draw ``count`` images and write them whole or not at all: an .npz (uint8, N H W C) or a folder of PNG files.

    Image i depends on ``seed``, ``labels`` and i alone, not on ``count`` or ``batch``. A class-conditional checkpoint
    takes ``labels`` in turn, or draws them uniformly where none are given, a text-to-image one ``prompts`` in turn;
    ``guidance`` is s in c + s (c - u). Latents are decoded by ``autoencoder``, and prompts encoded by ``text_encoder``,
    else by those that made the training data. Raises ValueError or FileNotFoundError for a wrong request or a damaged
    checkpoint; an existing folder with files in it is not written into.
    """
    from bench.checkpoints.file import load_checkpoint, newest_checkpoint
    from bench.checkpoints.model import load_model
    from bench.config import as_precision
    from bench.diffusion import PROCESSES
    from bench.diffusion.samplers import SAMPLERS
    from bench.machine.attention_kernel import with_measured_attention
    from bench.machine.runtime import resolve_runtime, thread_limit
    from bench.sampling import sample_images
    from bench.trained.trained_cell import condition_in, decoder_in
    from variants import ModelConfig
    from variants.layers.attention import set_attention_kernel

    _check_request(out, count=count, nfe=nfe, batch=batch, weights=weights, guidance=guidance)
    method = SAMPLERS.get(sampler)
    loaded = load_checkpoint(newest_checkpoint(checkpoint))
    runtime = resolve_runtime(
        device=device, precision=as_precision(precision, where="--precision"), threads=thread_limit()
    )
    runtime.apply()
    header = loaded.header
    asked = {"prompts": prompts, "text_encoder": text_encoder, "device": runtime.device}
    condition = condition_in(header, labels=labels, guidance=guidance, asked=asked)
    config = ModelConfig.from_identity(header["model"])
    runtime = with_measured_attention(runtime, [config], training=False)
    model = load_model(loaded, config, weights=weights)
    set_attention_kernel(model, str(runtime.attention))
    model.to(runtime.device).eval()
    decode = decoder_in(header, runtime.device, autoencoder)
    images = sample_images(
        model,
        count=count,
        shape=(header["channels"], header["image_size"], header["image_size"]),
        seed=seed,
        sampler=sampler,
        nfe=nfe or method.default_nfe,
        runtime=runtime,
        process=PROCESSES.get(header.get("training", {}).get("process", "vp")),
        condition=condition,
        guidance=guidance,
        decode=decode,
        batch_size=batch,
    )
    return write_images(images.permute(0, 2, 3, 1).numpy(), out)


def _check_request(out: Path, *, count: int, nfe: int, batch: int, weights: str, guidance: float) -> None:
    for name, value, least in (("count", count, 1), ("nfe", nfe, 0), ("batch", batch, 1)):
        if value < least:
            raise ValueError(f"--{name}: expected at least {least}, got {value}")
    if not 0 <= guidance < math.inf:
        raise ValueError(f"--guidance: expected a number of at least 0, got {guidance}")
    if weights not in ("ema", "raw"):
        raise ValueError(f"--weights: expected ema or raw, got {weights!r}")
    if out.suffix == ".npz" and out.is_dir():
        raise ValueError(f"--out {out} is a folder; give a file name ending in .npz, or a folder without that ending")
    if out.suffix != ".npz" and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"--out {out} exists and is not an empty folder; give a new folder or FILE.npz")


def write_images(images: np.ndarray, out: Path) -> Path:
    """Write uint8 images (N, H, W, C) to ``out``: one .npz, or a folder of PNG files; atomically."""
    import io

    import numpy as np
    from PIL import Image

    from bench.files.whole_folder import whole_folder
    from results.store import write_bytes

    if out.suffix == ".npz":
        buffer = io.BytesIO()
        np.savez(buffer, images=images)
        write_bytes(out, buffer.getvalue())
        return out
    with whole_folder(out) as folder:
        for index, image in enumerate(images):
            Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(folder / f"{index:06d}.png")
    return out
