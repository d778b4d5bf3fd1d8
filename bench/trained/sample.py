"""Images from a checkpoint on disk: what ``uvit sample`` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.trained.drawing import Drawing
from bench.trained.trained_cell import TrainedCell, load_trained

if TYPE_CHECKING:
    import numpy as np


def sample_checkpoint(
    checkpoint: Path,
    drawing: Drawing,
    *,
    out: Path,
    weights: str,
    device: str,
    precision: str,
) -> Path:
    """Draw images and write them whole or not at all: an .npz (uint8, N H W C) or a folder of PNG files.

    Raises ValueError or FileNotFoundError for a wrong request or a damaged checkpoint; an existing folder with files
    in it is not written into.
    """
    _check_out(out)
    cell = open_to_draw(checkpoint, weights=weights, device=device, precision=precision)
    return write_images(cell.draw(drawing).images.permute(0, 2, 3, 1).numpy(), out)


def open_to_draw(checkpoint: Path, *, weights: str, device: str, precision: str) -> TrainedCell:
    """The cell of a checkpoint on ``device``, with the attention kernel that is faster for it there."""
    from bench.machine.runtime import applied_runtime

    if weights not in ("ema", "raw"):
        raise ValueError(f"--weights: expected ema or raw, got {weights!r}")
    runtime = applied_runtime(device=device, precision=precision)
    return load_trained(checkpoint, weights=weights, runtime=runtime, measure_attention=True)


def _check_out(out: Path) -> None:
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
