"""Samples inside the page: each arm's from the same noise, side by side, as many as keep the page small.

Where no contact sheets lie (`reports.sheets`), as beside published records, the page has none.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports.frame import ArmView, Findings, GridView
from reports.page.views import Picture
from reports.sheets import COLUMNS, GAP, Sheet, last_sheet, open_sheet
from reports.text import plain, steps

ROWS = 3  # of a contact sheet's eight, what the page shows
WIDTH = 560  # pixels at most
MAX_BYTES = 3_500_000  # of all pictures, as they stand in the page


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
            if sheet := last_sheet(folders, cell.train_id, grid.endpoint["weights"]):
                by_seed.setdefault(cell.seed, []).append((arm, sheet))
    for arm, sheet in by_seed[min(by_seed)] if by_seed else []:
        picture = _picture(sheet, arm, min(by_seed))
        if picture is not None:
            yield picture


def _picture(sheet: Sheet, arm: ArmView, seed: int) -> Picture | None:
    """The sheet's first rows as WebP; None where the file is none."""
    image = open_sheet(sheet.path)
    if image is None:
        return None
    square = (image.width + GAP) // COLUMNS
    cut = image.crop((0, 0, image.width, min(image.height, ROWS * square - GAP)))
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
