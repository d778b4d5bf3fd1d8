"""Two image sets against each other: what ``uvit score`` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def score_sets(
    images: str,
    reference: str,
    *,
    extractor: str,
    device: str = "auto",
    data_dir: Path | None = None,
    extractor_weights: Path | None = None,
) -> list[dict[str, Any]]:
    """Every metric of ``images`` against ``reference``, each a folder, an .npz or ``dataset:split``.

    Returns ``[{metric, value, card}]``. Raises ValueError where a set cannot be read or is too small.
    """
    from bench.data import load_images
    from bench.fid import load_extractor, reference_for, score_images
    from bench.runtime import resolve_runtime, thread_limit

    generated, real = load_images(images, data_dir=data_dir), load_images(reference, data_dir=data_dir)
    runtime = resolve_runtime(device=device, precision="float32", threads=thread_limit())
    runtime.apply()
    network = load_extractor(extractor, device=runtime.device, weights=extractor_weights)
    target = reference_for(real, name=real.name, fingerprint=real.fingerprint, extractor=network)
    scored = score_images(generated.images, reference=target, extractor=network, held_out=None)
    return [
        {
            "metric": s.metric,
            "value": s.value,
            "card": {**s.card, "images": generated.name, "images_fingerprint": generated.fingerprint},
        }
        for s in scored
    ]
