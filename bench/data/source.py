"""What a dataset's own file provides: a `Source`, which turns a `DatasetRequest` into a `Recipe`.

A recipe knows the content's fingerprint and how to decode it, but has decoded nothing: when the decoded arrays are
already in the cache, nothing ever is. One file in ``bench/data/sources/`` is one dataset; a plugin registers its own
`Source` in `DATASETS` the same way.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.data.dataset import Labels, Pixels
from variants.registry import Registry

if TYPE_CHECKING:
    from bench.data.dataset import Dataset


class Chunk(NamedTuple):
    """Some decoded images of one split, in order: uint8 ``(n, C, H, W)``, int64 ``(n,)`` or None, texts an image."""

    split: str
    images: Pixels
    labels: Labels | None
    captions: Sequence[Sequence[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRequest:
    """What a user asked of a source; ``argument`` is the text after ``folder:`` or ``npz:``.

    ``data_dir`` is where to look for it, ``cache_dir`` for what the source wants to remember of large files; neither
    need exist.
    """

    data_dir: Path
    cache_dir: Path
    argument: str = ""
    image_size: int | None = None

    def below(self, names: Iterable[str]) -> list[Path]:
        """The folders ``names`` below ``data_dir``, there or not."""
        return [self.data_dir / name for name in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A dataset that was found and identified but not decoded; ``decode`` yields chunks, ``train`` at least once.

    ``stored`` is given where there is nothing to decode, and makes the dataset of what lies on disk already.
    """

    name: str
    fingerprint: str
    image_size: int
    channels: int
    num_classes: int
    flip: bool
    decode: Callable[[], Iterator[Chunk]]
    card: dict[str, Any] = field(default_factory=dict)
    stored: Callable[[], Dataset] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A named kind of dataset. ``takes_path`` ones are written ``name:PATH``."""

    name: str
    description: str
    find: Callable[[DatasetRequest], Recipe]
    takes_path: bool = False

    @property
    def usage(self) -> str:
        """The name as a user writes it: ``photos``, ``folder:PATH``."""
        return f"{self.name}:PATH" if self.takes_path else self.name


def _scan() -> None:
    importlib.import_module("bench.data.sources")


DATASETS: Registry[Source] = Registry("dataset", discover=(_scan,))


def content_hash(*parts: str | bytes) -> str:
    """SHA-256 hex over length-prefixed parts, so that no two lists of parts collide by concatenation."""
    return hash_parts(parts)


def hash_parts(parts: Iterable[str | bytes]) -> str:
    """`content_hash` for parts that come one at a time: SHA-256 hex, without all of them in memory together."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def shuffled(purpose: str, size: int) -> npt.NDArray[np.int64]:
    """A permutation of ``range(size)`` that depends on ``purpose`` alone.

    It sorts raw Philox words: numpy promises those for ever, but not what ``Generator.permutation`` makes of them,
    and a fingerprint must keep meaning the same pixels.
    """
    key = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:16], "little")
    return np.argsort(np.random.Philox(key=key).random_raw(size), kind="stable")
