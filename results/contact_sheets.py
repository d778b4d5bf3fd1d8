"""Contact sheets of samples: many small images as one PNG, written beside records and cut again by reports.

A cell's sheets lie under ``samples/<train_id>/`` of an output folder. A sheet holds up to 64 images of one cell, eight
a row; image i starts from row i of the seed's noise in every arm and at every step.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from results.store import write_bytes

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

COLUMNS, GAP = 8, 2  # of a sheet: images a row, pixels between two
MAX_PIXELS = 50_000_000  # of a file; larger ones are not opened

_NAME = re.compile(r"step-(\d+)-([a-z0-9]+)-(\w+)\.png")


def contact_sheet(images: Tensor, path: Path, *, columns: int = COLUMNS, scale: int = 2, gap: int = GAP) -> None:
    """Write ``images`` (uint8, N C H W, C = 1 or 3) as one PNG, ``columns`` a row, each pixel ``scale`` wide."""
    import numpy as np
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One contact sheet on disk and what its name says."""

    path: Path
    step: int
    weights: str
    sampler: str  # with its evaluations: dpm_solver50

    @property
    def how(self) -> tuple[str, str]:
        """How its images were drawn, apart from the step."""
        return (self.weights, self.sampler)


def sheet_path(root: Path, train_id: str, *, step: int, weights: str, sampler: str, nfe: int) -> Path:
    """Where the sheet of a cell's samples after ``step`` steps lies in the output folder ``root``."""
    return root / "samples" / train_id / f"step-{step:08d}-{weights}-{sampler}{nfe}.png"


def sheets(folders: Sequence[Path], train_id: str) -> list[Sheet]:
    """The sheets of a cell in all ``folders``, by step."""
    of_cell = []
    for folder in folders:
        for path in sorted((folder / "samples" / train_id).glob("step-*.png")):
            if match := _NAME.fullmatch(path.name):
                of_cell.append(Sheet(path=path, step=int(match[1]), weights=match[2], sampler=match[3]))
    return sorted(of_cell, key=lambda sheet: (sheet.step, sheet.how))


def last_sheet(folders: Sequence[Path], train_id: str, weights: str) -> Sheet | None:
    """The sheet of the last step, of ``weights`` where there is one of these."""
    return max(
        sheets(folders, train_id), key=lambda sheet: (sheet.step, sheet.weights == weights, sheet.sampler), default=None
    )


def open_sheet(path: Path) -> Image | None:
    """The picture in ``path``, RGB; None where it cannot be read, or is larger than a contact sheet."""
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            return image.convert("RGB") if image.width * image.height <= MAX_PIXELS else None
    except (OSError, ValueError, SyntaxError):  # PIL raises SyntaxError for broken PNG files
        return None


def tiles(sheet: Image, count: int, *, columns: int = COLUMNS) -> list[Image]:
    """The first ``count`` images of a sheet, fewer where it holds fewer."""
    side = (sheet.width + GAP) // columns  # an image and the gap after it, which the last lacks
    rows = (sheet.height + GAP) // side if side > GAP else 0
    places = [(i % columns * side, i // columns * side) for i in range(min(count, rows * columns))]
    return [sheet.crop((x, y, x + side - GAP, y + side - GAP)) for x, y in places]
