"""Two image sets against each other: what ``uvit score`` does. A checkpoint stands for images drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.file import is_checkpoint
from bench.trained.drawing import Drawing

if TYPE_CHECKING:
    from bench.data import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How images are scored, and where what that takes lies."""

    extractor: str
    device: str
    data_dir: Path | None = None
    extractor_weights: Path | None = None


def score_sets(
    images: str,
    reference: str,
    scoring: Scoring,
    *,
    drawing: Drawing,
    weights: str,
) -> list[dict[str, Any]]:
    """Every metric of ``images`` against ``reference``, each a folder, an .npz or ``dataset:split``.

    ``images`` may be a checkpoint instead; then ``drawing`` says how its images are drawn and ``weights`` from which of
    its weights, and every card tells that. Returns ``[{metric, value, card}]``. Raises
    ValueError where a set cannot be read or is too small.
    """
    from bench.data import load_images
    from bench.fid import load_extractor, reference_for, score_images
    from bench.machine.runtime import applied_runtime

    real = load_images(reference, data_dir=scoring.data_dir)
    if is_checkpoint(images):
        generated, drawn = _drawn(Path(images), drawing, weights, scoring.device)
    else:
        generated, drawn = load_images(images, data_dir=scoring.data_dir), {}
    runtime = applied_runtime(device=scoring.device, precision="float32")
    network = load_extractor(scoring.extractor, device=runtime.device, weights=scoring.extractor_weights)
    target = reference_for(real, name=real.name, fingerprint=real.fingerprint, extractor=network)
    scored = score_images(generated.images, reference=target, extractor=network, held_out=None)
    named = {"images": generated.name, "images_fingerprint": generated.fingerprint}
    return [{"metric": s.metric, "value": s.value, "card": s.card | drawn | named} for s in scored]


def _drawn(checkpoint: Path, drawing: Drawing, weights: str, device: str) -> tuple[Split, dict[str, Any]]:
    """Images drawn from a checkpoint, and what a card says of the drawing."""
    from bench.data.image_sets import image_set
    from bench.trained.sample import open_to_draw

    cell = open_to_draw(checkpoint, weights=weights, device=device, precision="auto")
    drawn = cell.draw(drawing)
    return image_set(f"{cell.variant}:{cell.path.stem}", drawn.images.numpy()), drawn.card
