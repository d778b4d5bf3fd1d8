"""``photos``: 32×32 crops of the colour photographs inside scikit-image's wheel; needs no download.

Each photograph is cut in two by columns before anything else happens to it: the left 70% less a guard of 16 columns is
for training, the right 30% is held out. Each part is then shrunk on its own, so that no antialiasing filter reaches
across, and windows are drawn from it. No training and held-out crop share a source pixel.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from bench.data.dataset import Pixels
from bench.data.source import DATASETS, Chunk, DatasetRequest, Recipe, Source, content_hash, shuffled

BUILDER = 1  # raise it whenever other pixels come out of the same files
SIZE = 32
SCALES = (0.5, 0.35, 0.25)
GUARD = 16  # source columns between the two parts
MIN_RANGE = 16  # levels between the darkest and the brightest value of a crop
COUNTS = {"train": 50_000, "held_out": 5_000}
FILES = {  # class: file; the classes' numbers follow this order. motorcycle is left out: no licence is stated
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "hubble": "hubble_deep_field.jpg",
    "immunohistochemistry": "ihc.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
}
Positions = npt.NDArray[np.int64]
LICENCE = "CC0, public domain or free of copyright restrictions, as scikit-image's documentation of each says"


def find(request: DatasetRequest) -> Recipe:
    """The recipe of ``photos``; raises ValueError when scikit-image lacks a photograph."""
    return recipe_from(read_files(wheel_folder()))


def recipe_from(files: dict[str, bytes]) -> Recipe:
    """The recipe over encoded photographs by class."""
    return recipe_of(
        files,
        name="photos",
        builder=BUILDER,
        build=build_split,
        card={"scales": list(SCALES), "guard_px": GUARD},
        note=f"crops of only {len(files)} photographs from scikit-image's wheel, overlapping within a split, in equal "
        "numbers and a class each; the right 30% of each is held out",
    )


def recipe_of(
    files: dict[str, bytes],
    *,
    name: str,
    builder: int,
    build: Callable[[dict[str, Pixels], str, int], Chunk],
    card: dict[str, Any],
    note: str,
) -> Recipe:
    """Crops of photographs, split as ``build(photographs, split, count)`` does and as ``card`` and ``note`` tell.

    The fingerprint hashes the encoded photographs and the builder, not decoded pixels.
    """

    def decode() -> Iterator[Chunk]:
        photographs = {name: pixels_of(data) for name, data in files.items()}
        for split, count in COUNTS.items():
            yield build(photographs, split, count)

    parts = [part for name, data in files.items() for part in (name, data)]
    return Recipe(
        name=name,
        fingerprint=content_hash(f"photos builder {builder}", *parts),
        image_size=SIZE,
        channels=3,
        num_classes=len(files),
        flip=False,
        decode=decode,
        card={
            "builder": builder,
            "classes": list(files),
            "photographs": len(files),
            **card,
            "min_range": MIN_RANGE,
            "licence": LICENCE,
            "note": f"{note}: a task to compare small models on, not a benchmark of natural images",
        },
    )


def wheel_folder() -> Path:
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError("dataset photos is made from scikit-image's photographs: pip install 'scikit-image>=0.24'")
    return Path(spec.submodule_search_locations[0]) / "data"


def read_files(folder: Path) -> dict[str, bytes]:
    """The encoded photographs by class; raises ValueError naming one that is not in ``folder``."""
    try:
        return {name: (folder / file).read_bytes() for name, file in FILES.items()}
    except FileNotFoundError as error:
        missing = f"dataset photos: scikit-image's wheel lacks {error.filename}"
        raise ValueError(f"{missing}; mend it with: pip install --force-reinstall scikit-image") from error


def pixels_of(data: bytes) -> Pixels:
    from PIL import Image

    return np.asarray(Image.open(BytesIO(data)).convert("RGB"), np.uint8)


def build_split(photographs: dict[str, Pixels], split: str, count: int) -> Chunk:
    """``count`` crops (or as many as exist) of ``(H, W, 3)`` photographs, in a fixed shuffled order."""
    scaled = {name: _shrunk(part_of(pixels, split)) for name, pixels in photographs.items()}
    windows = {name: [windows_that_show_something(part) for part in parts] for name, parts in scaled.items()}
    shares = allocate(count, [sum(map(len, of_scale)) for of_scale in windows.values()])
    drawn = zip(scaled, shares, strict=True)
    crops = [_draw(scaled[name], windows[name], n, f"photos|{split}|{name}") for name, n in drawn]
    labels = np.repeat(np.arange(len(shares), dtype=np.int64), shares)
    order = shuffled(f"photos|{split}|order", len(labels))
    return Chunk(split, np.concatenate(crops)[order], labels[order])


def part_of(pixels: Pixels, split: str) -> Pixels:
    """The columns of a photograph ``(H, W, 3)`` that belong to ``split``."""
    border = math.floor(0.7 * pixels.shape[1])
    return pixels[:, : border - GUARD] if split == "train" else pixels[:, border:]


def _shrunk(part: Pixels) -> list[Pixels]:
    from PIL import Image

    height, width = part.shape[:2]
    sizes = [(round(width * scale), round(height * scale)) for scale in SCALES]
    image = Image.fromarray(np.ascontiguousarray(part))
    return [np.asarray(image.resize(size, Image.Resampling.BICUBIC)) for size in sizes if min(size) >= SIZE]


def windows_that_show_something(part: Pixels) -> Positions:
    """Corners ``(n, 2)`` of the 32×32 windows that show something: black corners of two parts would be equal crops."""
    low, high = part.min(-1), part.max(-1)
    for axis in (0, 1):
        low = sliding_window_view(low, SIZE, axis=axis).min(-1)
        high = sliding_window_view(high, SIZE, axis=axis).max(-1)
    return np.argwhere(high - low >= MIN_RANGE)


def allocate(total: int, capacities: list[int]) -> list[int]:
    """Equal shares of ``total``; what one photograph cannot give, the others do, and the first ones the remainder."""
    shares = [0] * len(capacities)
    while rest := min(total, sum(capacities)) - sum(shares):
        unfilled = [i for i, capacity in enumerate(capacities) if shares[i] < capacity]
        for place, i in enumerate(unfilled):
            even = rest // len(unfilled) + (place < rest % len(unfilled))
            shares[i] += min(even, capacities[i] - shares[i])
    return shares


def _draw(parts: list[Pixels], windows: list[Positions], count: int, purpose: str) -> Pixels:
    """``count`` distinct windows, uniformly over the windows of all scales: uint8 ``(count, 3, 32, 32)``."""
    chosen = shuffled(purpose, sum(map(len, windows)))[:count]
    crops, first = [np.empty((0, 3, SIZE, SIZE), np.uint8)], 0
    for part, corners in zip(parts, windows, strict=True):
        rows, columns = corners[chosen[(chosen >= first) & (chosen < first + len(corners))] - first].T
        view = sliding_window_view(part, (SIZE, SIZE), axis=(0, 1))
        crops.append(view[rows, columns])
        first += len(corners)
    return np.concatenate(crops)


def find_columns(request: DatasetRequest) -> Recipe:
    """``photos`` under the name of its split, so that it stays when ``photos`` means another: equal ids."""
    return replace(find(request), name="photos-columns")


DATASETS.register("photos", Source(name="photos", description="crops of seven photographs; no download", find=find))
DATASETS.register(
    "photos-columns",
    Source(
        name="photos-columns", description="photos, named after its split: equal crops, equal ids", find=find_columns
    ),
)
