"""``folder:PATH``: image files, centre-cropped to a square and resized with antialias; sub-folders are classes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from bench.data.files import image_paths, read_bytes
from bench.data.holdout import NOTE, hold_out
from bench.data.pixels import channels_first, read_rgb, square
from bench.data.source import DATASETS, Chunk, DatasetRequest, Recipe, Source, hash_parts

BUILDER = 1
SIZE = 32
_CHUNK = 1024


def find(request: DatasetRequest) -> Recipe:
    """The recipe over the images under ``request.argument``; raises ValueError naming the folder or file at fault."""
    root = Path(request.argument).expanduser().absolute()
    size = request.image_size or SIZE
    paths = image_paths(root)
    names = [path.relative_to(root).as_posix() for path in paths]
    classes, labels = _classes(root, names)
    splits = hold_out(len(paths), f"folder:{root}")

    def decode() -> Iterator[Chunk]:
        for split, order in splits.items():
            for start in range(0, len(order), _CHUNK):
                rows = order[start : start + _CHUNK]
                images = np.stack([channels_first(square(read_rgb(paths[i]), size)) for i in rows])
                yield Chunk(split, images, None if labels is None else labels[rows])

    return Recipe(
        name=f"folder:{root.name}",
        fingerprint=hash_parts(chain([f"folder builder {BUILDER} size {size}"], _parts(paths, names))),
        image_size=size,
        channels=3,
        num_classes=len(classes),
        flip=False,
        decode=decode,
        card={
            "builder": BUILDER,
            "classes": classes,
            "resize": f"largest centred square, antialiased bicubic to {size}x{size}",
            "note": NOTE,
        },
    )


def _parts(paths: list[Path], names: list[str]) -> Iterator[str | bytes]:
    for path, name in zip(paths, names, strict=True):
        yield name
        yield read_bytes(path)


def _classes(root: Path, names: list[str]) -> tuple[list[str], np.ndarray | None]:
    """Class names (the first level of sub-folders) and a label an image; neither if all images lie in ``root``."""
    tops = [name.partition("/")[0] if "/" in name else "" for name in names]
    if not any(tops):
        return [], None
    if not all(tops):
        loose = names[tops.index("")]
        raise ValueError(f"{root}: expected all images in sub-folders (classes) or none, but {loose} lies beside them")
    classes = sorted(set(tops))
    number = {name: i for i, name in enumerate(classes)}
    return classes, np.array([number[top] for top in tops], np.int64)


DATASETS.register(
    "folder",
    Source(
        name="folder",
        description="image files, centre-cropped and resized; sub-folders are classes",
        find=find,
        takes_path=True,
    ),
)
