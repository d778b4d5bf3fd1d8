"""Contact sheets: many small images as one PNG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from results.store import write_bytes

if TYPE_CHECKING:
    from torch import Tensor


def contact_sheet(images: Tensor, path: Path, *, columns: int = 8, scale: int = 2, gap: int = 2) -> None:
    """Write ``images`` (uint8, N C H W, C = 1 or 3) as one PNG, ``columns`` a row, each pixel ``scale`` wide."""
    from PIL import Image

    pixels = images.permute(0, 2, 3, 1).cpu().numpy()
    pixels = np.repeat(pixels, 3, axis=3) if pixels.shape[3] == 1 else pixels
    pixels = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    count, height, width, _ = pixels.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, dtype=np.uint8)
    for index, image in enumerate(pixels):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, format="PNG", optimize=True)
    write_bytes(path, buffer.getvalue())
