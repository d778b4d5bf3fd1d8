"""``photos-blocks``: crops of the photographs of ``photos``, held out in blocks all over each of them.

One block in four is held out, in a lattice, so that both splits show every part of a photograph. A crop belongs to a
split when every source pixel that its antialiasing filter reaches does; crops that reach into both are in neither. So
no training and held-out crop share a source pixel, and the crops left out are the guard band.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from bench.data.dataset import Pixels
from bench.data.source import DATASETS, Chunk, DatasetRequest, Recipe, Source, shuffled
from bench.data.sources import photos
from bench.data.sources.photos import COUNTS, SIZE, Positions

BUILDER = 2  # raise it whenever other pixels come out of the same files; 1 is the split by columns
BLOCK = 64  # source pixels a side, about: a photograph is tiled evenly
SCALE = 0.7
ONE_IN = 4  # blocks of which one is held out
REACH = 2.0  # shrunken pixels from a pixel's centre to the end of Pillow's bicubic filter

Area = npt.NDArray[np.bool_]


class Windows(NamedTuple):
    """A shrunken photograph ``(h, w, 3)`` and the corners ``(n, 2)`` of its windows, by split."""

    image: Pixels
    corners: dict[str, Positions]


def find(request: DatasetRequest) -> Recipe:
    """The recipe of ``photos-blocks``; raises ValueError when scikit-image lacks a photograph."""
    return recipe_from(photos.read_files(photos.wheel_folder()))


def recipe_from(files: dict[str, bytes]) -> Recipe:
    """The recipe over encoded photographs by class."""
    return photos.recipe_of(
        files,
        name="photos-blocks",
        builder=BUILDER,
        build=build_split,
        card={"scales": [SCALE], "block_px": BLOCK, "held_out_blocks": f"one in {ONE_IN}"},
        note=f"crops of only {len(files)} photographs from scikit-image's wheel, overlapping within a split, a class "
        f"each, in equal numbers as far as it has them; one block in {ONE_IN} of each is held out",
    )


def build_split(photographs: dict[str, Pixels], split: str, count: int) -> Chunk:
    """``count`` crops (or as many as exist) of ``(H, W, 3)`` photographs, in a fixed shuffled order."""
    found = {name: windows_of(pixels, name) for name, pixels in photographs.items()}
    corners = {name: each.corners[split] for name, each in found.items()}
    shares = photos.allocate(count, [len(each) for each in corners.values()])
    crops = [np.empty((0, 3, SIZE, SIZE), np.uint8)]
    for name, share in zip(found, shares, strict=True):
        chosen = shuffled(f"photos-blocks|{split}|{name}", len(corners[name]))[:share]
        rows, columns = corners[name][np.sort(chosen)].T
        crops.append(sliding_window_view(found[name].image, (SIZE, SIZE), axis=(0, 1))[rows, columns])
    labels = np.repeat(np.arange(len(shares), dtype=np.int64), shares)
    order = shuffled(f"photos-blocks|{split}|order", len(labels))
    return Chunk(split, np.concatenate(crops)[order], labels[order])


def held_out_area(height: int, width: int, name: str) -> Area:
    """Which source pixels ``(H, W)`` are held out: every fourth block of a row, two blocks on in the next row."""
    rows, columns = (
        np.linspace(0, side, max(1, round(side / BLOCK)) + 1).round().astype(int) for side in (height, width)
    )
    first = int(shuffled(f"photos-blocks|lattice|{name}", ONE_IN)[0])
    area = np.zeros((height, width), np.bool_)
    for row, (top, bottom) in enumerate(pairwise(rows)):
        for column, (left, right) in enumerate(pairwise(columns)):
            area[top:bottom, left:right] = (column + ONE_IN // 2 * row) % ONE_IN == first
    return area


def windows_of(pixels: Pixels, name: str) -> Windows:
    """The windows of a photograph ``(H, W, 3)`` that show something, by the split that holds all that they reach."""
    from PIL import Image

    height, width = pixels.shape[:2]
    size = (round(width * SCALE), round(height * SCALE))
    if min(size) < SIZE:
        return Windows(np.zeros((SIZE, SIZE, 3), np.uint8), {split: np.empty((0, 2), np.int64) for split in COUNTS})
    image = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    seen = photos.windows_that_show_something(image)
    share = _share_held_out(held_out_area(height, width, name), size)[seen[:, 0], seen[:, 1]]
    return Windows(image, {"train": seen[share == 0], "held_out": seen[share == 1]})


def _share_held_out(area: Area, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """By corner of a window, the share that is held out of the source pixels that it reaches."""
    table = np.zeros((area.shape[0] + 1, area.shape[1] + 1), np.int64)
    table[1:, 1:] = area.cumsum(0, dtype=np.int64).cumsum(1)
    top, bottom = _reached(area.shape[0], size[1])
    left, right = _reached(area.shape[1], size[0])
    below, above = table[bottom], table[top]
    held = below[:, right] - above[:, right] - below[:, left] + above[:, left]
    return held / np.outer(bottom - top, right - left)


def _reached(side: int, shrunk: int) -> tuple[Positions, Positions]:
    """First and last source pixel, the last exclusive, that each window along a side of ``shrunk`` pixels reaches."""
    step = side / shrunk
    first = np.arange(shrunk - SIZE + 1)
    low = np.floor((first + 0.5 - REACH) * step)
    high = np.ceil((first + SIZE - 0.5 + REACH) * step)
    return low.clip(0).astype(np.int64), high.clip(max=side).astype(np.int64)


DATASETS.register(
    "photos-blocks",
    Source(
        name="photos-blocks",
        description="the photographs of photos, held out in blocks all over them; no download",
        find=find,
    ),
)
