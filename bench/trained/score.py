"""Two image sets against each other: what ``uvit score`` does. A checkpoint stands for images drawn from it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.file import is_checkpoint

if TYPE_CHECKING:
    from bench.data import Split

DRAWN = 10_000  # images of a checkpoint unless told: the paper's count during training


def score_sets(
    images: str,
    reference: str,
    *,
    extractor: str,
    device: str = "auto",
    data_dir: Path | None = None,
    extractor_weights: Path | None = None,
    drawing: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Every metric of ``images`` against ``reference``, each a folder, an .npz or ``dataset:split``.

    ``images`` may be a checkpoint instead; then ``drawing`` holds the arguments of `sample_checkpoint` that differ from
    their default (`DRAWN` images are drawn unless ``count`` says otherwise), and every card tells them.
    Returns ``[{metric, value, card}]``. Raises ValueError where a set cannot be read or is too small.
    """
    from bench.data import load_images
    from bench.fid import load_extractor, reference_for, score_images
    from bench.machine.runtime import resolve_runtime, thread_limit

    asked = {name: value for name, value in (drawing or {}).items() if value}
    if asked and not is_checkpoint(images):
        first = next(iter(asked))
        option = {"labels": "label", "prompts": "prompt", "text_encoder": "text-encoder"}.get(first, first)
        raise ValueError(f"--{option} is for drawing from a checkpoint, and {images} is none; leave it out")
    real = load_images(reference, data_dir=data_dir)
    if is_checkpoint(images):
        generated, drawn = _drawn(Path(images), {"count": DRAWN, **asked}, device)
    else:
        generated, drawn = load_images(images, data_dir=data_dir), {}
    runtime = resolve_runtime(device=device, precision="float32", threads=thread_limit())
    runtime.apply()
    network = load_extractor(extractor, device=runtime.device, weights=extractor_weights)
    target = reference_for(real, name=real.name, fingerprint=real.fingerprint, extractor=network)
    scored = score_images(generated.images, reference=target, extractor=network, held_out=None)
    return [
        {
            "metric": s.metric,
            "value": s.value,
            "card": {**s.card, **drawn, "images": generated.name, "images_fingerprint": generated.fingerprint},
        }
        for s in scored
    ]


def _drawn(checkpoint: Path, drawing: Mapping[str, Any], device: str) -> tuple[Split, dict[str, Any]]:
    """Images drawn from a checkpoint, and what a card says of the drawing."""
    from bench.checkpoints.file import newest_checkpoint, read_header
    from bench.data import load_images
    from bench.diffusion.samplers import SAMPLERS
    from bench.machine.runtime import pick_device
    from bench.trained.sample import sample_checkpoint
    from bench.trained.trained_cell import decoder_in

    path = newest_checkpoint(checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        images = load_images(sample_checkpoint(path, out=Path(folder) / "drawn.npz", device=device, **drawing))
    header, sampler = read_header(path), drawing.get("sampler", "dpm_solver")
    decoder = decoder_in(header, pick_device(device), drawing.get("autoencoder"))
    card = {
        "variant": header["variant"],
        "train_id": header["train_id"],
        "step": header["step"],
        "weights": drawing.get("weights", "ema"),
        "process": header.get("training", {}).get("process", "vp"),
        "sampler": sampler,
        "nfe": drawing.get("nfe") or SAMPLERS.get(sampler).default_nfe,
        "guidance": 1.0 + drawing.get("guidance", 0.0),
        "seed": drawing.get("seed", 0),
        "labels": list(drawing.get("labels", ())) or None,
        "prompts": list(drawing.get("prompts", ())) or None,
        **({"decoder_sha256": decoder.sha256, "latent_scale": decoder.scale} if decoder else {}),
    }
    told = {name: value for name, value in card.items() if value is not None}
    return replace(images, name=f"{header['variant']}:{path.stem}"), told
