"""Samples inside the page: each arm's from the same noise, side by side, as many as keep the page small.

Where no contact sheets lie (`results.contact_sheets`), as beside published records, the page has none.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports.pictures.gallery import ShownPicture
from reports.text import plain, steps
from reports.views.find import Findings
from reports.views.grid import ArmView, GridView
from results.contact_sheets import COLUMNS, GAP, Sheet, last_sheet, open_sheet

if TYPE_CHECKING:
    from PIL.Image import Image

ROWS = 3  # of a contact sheet's eight, what the page shows
WIDTH, LARGE = 560, 1100  # pixels at most, of samples and of larger pictures
MAX_BYTES = 3_500_000  # of all pictures, as they stand in the page


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinePicture:
    """One picture inside the page; ``source`` is a data URI."""

    source: str
    width: int
    height: int
    title: str
    text: str = ""  # what it shows, for those who cannot see it


def pictures(findings: Findings) -> dict[str, list[InlinePicture]]:
    """The samples of every grid by its name, in the arms' order, without those that cannot be read or no longer fit."""
    by_grid: dict[str, list[InlinePicture]] = {}
    room = MAX_BYTES
    for grid in findings.grids:
        for picture in _of_grid(grid, findings.folders):
            room -= len(picture.source)
            if room >= 0:
                by_grid.setdefault(grid.name, []).append(picture)
    return by_grid


def large_pictures(
    shown: Mapping[str, Sequence[ShownPicture]], *, beside: Mapping[str, Sequence[InlinePicture]]
) -> dict[str, list[InlinePicture]]:
    """The report's larger pictures by grid, as many as there is room for ``beside`` the samples.

    Where samples stand side by side already, the arms below each other would show them again.
    """
    by_grid: dict[str, list[InlinePicture]] = {}
    room = MAX_BYTES - sum(len(picture.source) for group in beside.values() for picture in group)
    for name, items in shown.items():
        for item in items:
            if not item.path or (item.path.endswith(f"{name}-arms.png") and beside.get(name)):
                continue
            picture = _large(item)
            room -= len(picture.source)
            if room >= 0:
                by_grid.setdefault(name, []).append(picture)
    return by_grid


def _large(item: ShownPicture) -> InlinePicture:
    from PIL import Image

    with Image.open(io.BytesIO(item.files[item.path])) as image:
        whole = image.convert("RGB")
    whole.thumbnail((LARGE, 4 * LARGE), Image.Resampling.LANCZOS)
    return InlinePicture(
        source=_source(whole),
        width=whole.width,
        height=whole.height,
        title=". ".join(plain(line, limit=500) for line in item.lines),
        text=item.text,
    )


def _source(image: Image) -> str:
    """A data URI of ``image``."""
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=82, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _of_grid(grid: GridView, folders: Sequence[Path]) -> Iterator[InlinePicture]:
    """The last sheets of the lowest seed that has any: one seed, for arms share a seed's noise."""
    by_seed: dict[int, list[tuple[ArmView, Sheet]]] = {}
    for arm in grid.arms:
        for cell in arm.cells:
            if sheet := last_sheet(folders, cell.train_id, grid.weights):
                by_seed.setdefault(cell.seed, []).append((arm, sheet))
    for arm, sheet in by_seed[min(by_seed)] if by_seed else []:
        picture = _picture(sheet, arm, min(by_seed))
        if picture is not None:
            yield picture


def _picture(sheet: Sheet, arm: ArmView, seed: int) -> InlinePicture | None:
    """The sheet's first rows as WebP; None where the file is none."""
    image = open_sheet(sheet.path)
    if image is None:
        return None
    square = (image.width + GAP) // COLUMNS
    cut = image.crop((0, 0, image.width, min(image.height, ROWS * square - GAP)))
    cut.thumbnail((WIDTH, WIDTH))
    weights = "EMA" if sheet.weights == "ema" else sheet.weights
    name = plain(arm.name, limit=60)
    return InlinePicture(
        source=_source(cut),
        width=cut.width,
        height=cut.height,
        title=f"{name} · step {steps(sheet.step)}, {weights} weights, {sheet.sampler}, seed {seed}",
        text=f"Samples of arm {name}",
    )
