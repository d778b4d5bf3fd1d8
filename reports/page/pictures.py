"""Samples inside the page: each arm's from the same noise, side by side, as many as keep the page small.

Contact sheets lie under ``samples/<train_id>/`` of the output folders (``bench.pictures``); where they do not, as
beside published records, the page has none.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.frame import ArmView, Findings, GridView
from reports.page.views import Picture
from reports.text import plain, steps

ROWS, COLUMNS = 3, 8  # of a contact sheet's eight rows and columns, what the page shows
WIDTH = 560  # pixels at most
MAX_BYTES = 3_500_000  # of all pictures, as they stand in the page
MAX_PIXELS = 50_000_000  # of a file; larger ones are not opened

_NAME = re.compile(r"step-(\d+)-([a-z0-9]+)-(\w+)\.png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One contact sheet on disk and what its name says."""

    path: Path
    step: int
    weights: str
    sampler: str


def pictures(findings: Findings) -> dict[str, list[Picture]]:
    """By grid, in the arms' order. What cannot be read is left out, and so is what no longer fits."""
    found: dict[str, list[Picture]] = {}
    room = MAX_BYTES
    for grid in findings.grids:
        for picture in _of_grid(grid, findings.folders):
            room -= len(picture.source)
            if room >= 0:
                found.setdefault(grid.name, []).append(picture)
    return found


def _of_grid(grid: GridView, folders: Sequence[Path]) -> Iterator[Picture]:
    """The last sheets of the lowest seed that has any: one seed, for arms share a seed's noise."""
    by_seed: dict[int, list[tuple[ArmView, Sheet]]] = {}
    for arm in grid.arms:
        for cell in arm.cells:
            if sheet := _last_sheet(folders, cell.train_id, grid.endpoint["weights"]):
                by_seed.setdefault(cell.seed, []).append((arm, sheet))
    for arm, sheet in by_seed[min(by_seed)] if by_seed else []:
        picture = _picture(sheet, arm, min(by_seed))
        if picture is not None:
            yield picture


def _last_sheet(folders: Sequence[Path], train_id: str, weights: str) -> Sheet | None:
    """The sheet of the last step, of the endpoint's weights where there is one of these."""
    sheets = []
    for folder in folders:
        for path in sorted((folder / "samples" / train_id).glob("step-*.png")):
            if match := _NAME.fullmatch(path.name):
                sheets.append(Sheet(path=path, step=int(match[1]), weights=match[2], sampler=match[3]))
    return max(sheets, key=lambda sheet: (sheet.step, sheet.weights == weights, sheet.sampler), default=None)


def _picture(sheet: Sheet, arm: ArmView, seed: int) -> Picture | None:
    """The sheet's first rows as WebP; None where the file is none."""
    from PIL import Image

    try:
        with Image.open(sheet.path, formats=("PNG",)) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            square = (image.width + 2) // COLUMNS  # a picture and the gap after it, which the last lacks
            cut = image.crop((0, 0, image.width, min(image.height, ROWS * square - 2))).convert("RGB")
    except (OSError, ValueError, SyntaxError):  # PIL raises SyntaxError for broken PNG files
        return None
    cut.thumbnail((WIDTH, WIDTH))
    buffer = io.BytesIO()
    cut.save(buffer, format="WEBP", quality=82, method=4)
    weights = "EMA" if sheet.weights == "ema" else sheet.weights
    name = plain(arm.name, limit=60)
    return Picture(
        source="data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode(),
        width=cut.width,
        height=cut.height,
        title=f"{name} · step {steps(sheet.step)}, {weights} weights, {sheet.sampler}, seed {seed}",
        text=f"Samples of arm {name}",
    )
