"""Samples beside their nearest training images: how near they are, against real images that were never trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from reports.pictures.strips import SIDE, Strip, picture
from reports.text import plain, steps
from reports.views.find import arms_of
from reports.views.grid import GridView
from results.contact_sheets import open_sheet, tiles
from results.neighbours import SHARE, NeighboursRecord
from results.store import Store, write_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedNeighbours:
    """A search for nearest training images under the name that a report shows."""

    name: str
    record: NeighboursRecord


def of_grid(grid: GridView, records: Iterable[NeighboursRecord]) -> list[NamedNeighbours]:
    """The grid's searches, one an arm, the baseline first: of its lowest seed that has any, at its last step."""
    places = {cell.train_id: (arm.name, cell.seed) for arm in grid.arms for cell in arm.cells}
    by_arm: dict[str, NeighboursRecord] = {}
    mine = [record for record in records if record.train_id in places]
    for record in sorted(mine, key=lambda r: (places[r.train_id][1], -r.step)):
        by_arm.setdefault(places[record.train_id][0], record)
    arms = sorted(grid.arms, key=lambda arm: not arm.is_baseline)
    return [NamedNeighbours(name=arm.name, record=by_arm[arm.name]) for arm in arms if arm.name in by_arm]


def lines(items: Sequence[NamedNeighbours]) -> list[str]:
    """A line a cell, and one that says how to read it."""
    if not items:
        return []
    cells = [f"nearest training images, {plain(item.name)}: {_text(item.record)}" for item in items]
    return [*cells, _reading(items[0].record)]


def _text(record: NeighboursRecord) -> str:
    near, real = median(record.nearest), median(record.held_out)
    share = 100 * record.suspicious / record.count
    ratio = "" if record.ratio is None else f", ratio {record.ratio:.2f}"
    return (
        f"median distance {near:.3g} of {record.count:,} samples, {real:.3g} of {len(record.held_out):,} held-out "
        f"images{ratio}; {record.suspicious} samples ({share:.1f}%) below {record.threshold:.3g}, under which "
        f"{100 * SHARE:.0f}% of the held-out images lie"
    )


def _reading(record: NeighboursRecord) -> str:
    mirrored = ", as they are and mirrored" if record.mirrored else ""
    return (
        f"a share far above {100 * SHARE:.0f}% would mean copies; distances of {plain(record.extractor)} features "
        f"to {record.compared:,} images of {plain(record.split)}{mirrored}; {_weights(record)} weights at step "
        f"{steps(record.step)}, {plain(record.sampler)} with {record.nfe} evaluations; shown are the samples and the "
        "held-out images that are nearest to a training image, not typical ones"
    )


def _weights(record: NeighboursRecord) -> str:
    return "EMA" if record.weights == "ema" else plain(record.weights)


def drawn(item: NamedNeighbours, folders: Sequence[Path]) -> bytes | None:
    """The record's sheet with its distances, as a PNG; None where no folder has the sheet."""
    record = item.record
    paths = (folder / "neighbours" / f"{record.neighbours_id}.png" for folder in folders)
    sheet = next((image for path in paths if path.is_file() and (image := open_sheet(path))), None)
    if sheet is None:
        return None
    half = 1 + len(record.rows[0])
    images = tiles(sheet, 2 * half * len(record.shown), columns=2 * half)
    rows = [images[first : first + 2 * half] for first in range(0, len(images), 2 * half)]
    strip = Strip(
        label=plain(item.name, limit=22),
        notes=(f"nearest {len(record.shown)}", f"of {record.count:,} samples"),
        rows=[_parted(row, half) for row in rows],
        captions=[_distances(record, number) for number in range(len(rows))],
    )
    ranks = [str(rank + 1) for rank in range(half - 1)]
    return picture([strip], heading=["sample", *ranks, "", "held out", *ranks])


def _parted(row: Sequence[Any], half: int) -> list[Any]:
    """A row with an empty place between its halves."""
    from PIL import Image

    return [*row[:half], Image.new("RGB", (SIDE, SIDE), "white"), *row[half:]]


def _distances(record: NeighboursRecord, row: int) -> list[str]:
    """Below the images of a row: the distance of each neighbour, and of a held-out image's nearest."""
    mine = record.distances[record.shown[row]] if row < len(record.shown) else []
    real = [record.held_out[record.held_out_shown[row]]] if row < len(record.held_out_shown) else []
    padded = [*(f"{value:.3g}" for value in mine), *[""] * (len(record.rows[0]) - len(mine))]
    return ["", *padded, "", "", *(f"{value:.3g}" for value in real)]


def write(records: Sequence[NeighboursRecord], root: Path) -> tuple[list[str], list[Path]]:
    """Draw ``records`` as ``root/neighbours/<id>-distances.png``; returns what they say, and the pictures' paths."""
    arms = arms_of(Store(root).grids().values())
    items = [NamedNeighbours(name=arms.get(record.train_id, record.variant), record=record) for record in records]
    paths = []
    for item in items:
        if png := drawn(item, [root]):
            file = f"{item.record.neighbours_id}-distances.png"
            paths.append(write_bytes(root / "neighbours" / file, png))
    return lines(items), paths
