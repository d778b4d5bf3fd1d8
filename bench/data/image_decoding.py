"""From a `FileSet` to chunks of decoded images, few enough at a time for any memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bench.data.dataset import Labels, Pixels
from bench.data.file_set import FileSet
from bench.data.parallel import in_order
from bench.data.pixels import channels_first, plain_rgb
from bench.data.progress import Progress
from bench.data.source import Chunk

if TYPE_CHECKING:
    from PIL.Image import Image

CHUNK_BYTES = 64 << 20
Crop = Callable[["Image", str], "Image"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The images of one split in order: ``names`` in ``files``, and a label or texts for each if there are any."""

    split: str
    files: FileSet
    names: Sequence[str] = field(repr=False)
    labels: Labels | None = field(default=None, repr=False)
    captions: Sequence[Sequence[str]] | None = field(default=None, repr=False)


def decode_parts(parts: Iterable[Part], crop: Crop, *, size: int) -> Iterator[Chunk]:
    """Chunks of ``size``×``size`` images, at most `CHUNK_BYTES` each; raises ValueError naming an unreadable file.

    ``crop`` gets an RGB image and how messages name it.
    """
    rows = max(1, CHUNK_BYTES // (3 * size * size))
    for part in parts:
        progress = Progress(f"decoding {part.files.place} into the cache", len(part.names))
        for start in range(0, len(part.names), rows):
            chunk = slice(start, start + rows)
            yield Chunk(
                part.split,
                _images(part.files, part.names[chunk], crop, size),
                None if part.labels is None else part.labels[chunk],
                None if part.captions is None else part.captions[chunk],
            )
            progress.at(min(start + rows, len(part.names)))


def _images(files: FileSet, names: Sequence[str], crop: Crop, size: int) -> Pixels:
    def load(name: str) -> Pixels:
        return channels_first(crop(plain_rgb(files.read(name), files.where(name)), files.where(name)))

    images = np.empty((len(names), 3, size, size), np.uint8)
    with warnings.catch_warnings():  # around all threads, because the filters are no thread's own
        warnings.simplefilter("ignore", UserWarning)  # Pillow, on EXIF that nobody asked for
        for row, image in zip(images, in_order(load, names), strict=True):
            row[:] = image
    return images
