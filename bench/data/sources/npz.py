"""``npz:PATH``: square uint8 images ``(N, H, W, C)`` under ``images``, and ``labels`` if there are any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.data.files import read_npz
from bench.data.holdout import NOTE, hold_out
from bench.data.source import DATASETS, Chunk, DatasetRequest, Recipe, Source, content_hash

BUILDER = 1


def find(request: DatasetRequest) -> Recipe:
    """The recipe over the archive ``request.argument``; raises ValueError naming the file and what is wrong in it."""
    path = Path(request.argument).expanduser().absolute()
    images, labels = read_npz(path)
    channels, height, width = images.shape[1:]
    if height != width:
        raise ValueError(f"{path}: expected square images to train on, got {height}x{width}")
    splits = hold_out(len(images), f"npz:{path}")

    def decode() -> Iterator[Chunk]:
        for split, order in splits.items():
            yield Chunk(split, images[order], None if labels is None else labels[order])

    given = b"" if labels is None else labels.tobytes()
    return Recipe(
        name=f"npz:{path.stem}",
        fingerprint=content_hash(f"npz builder {BUILDER} {images.shape}", images.tobytes(), given),
        image_size=height,
        channels=channels,
        num_classes=0 if labels is None else int(labels.max()) + 1,
        flip=False,
        decode=decode,
        card={"builder": BUILDER, "note": NOTE},
    )


DATASETS.register(
    "npz",
    Source(name="npz", description="uint8 images (N, H, W, C) and optional labels", find=find, takes_path=True),
)
