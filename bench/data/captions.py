"""The captions of a split's images: all of their text in one array, cut up where it is read.

414,000 captions, MS-COCO's, are 22 MB of UTF-8 that stays on disk; as Python strings they would be three times as much
in every process. ``N`` images, ``M`` captions in all.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

PARTS = ("captions", "lengths", "counts")  # as the cache names them, in the order of `Captions`' arguments


class Captions:
    """``captions[i]`` is a tuple of the texts of image i, in the order of the annotation file; at least one each."""

    def __init__(
        self, text: npt.NDArray[np.uint8], lengths: npt.NDArray[np.int32], counts: npt.NDArray[np.int32]
    ) -> None:
        """``text`` is UTF-8 ``(T,)``, ``lengths`` bytes a caption ``(M,)``, ``counts`` captions an image ``(N,)``."""
        self._text = text
        self._ends = np.cumsum(lengths, dtype=np.int64)
        self._lasts = np.cumsum(counts, dtype=np.int64)
        assert self._total(self._ends) == len(text) and self._total(self._lasts) == len(lengths), "parts of one split"

    def __len__(self) -> int:
        return len(self._lasts)

    def __getitem__(self, index: int) -> tuple[str, ...]:
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"image {i} of {len(self)}")
        i %= len(self)
        first, last = (int(self._lasts[i - 1]) if i else 0), int(self._lasts[i])
        return tuple(self._caption(m) for m in range(first, last))

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return (self[i] for i in range(len(self)))

    def _caption(self, m: int) -> str:
        return bytes(self._text[int(self._ends[m - 1]) if m else 0 : int(self._ends[m])]).decode()

    @staticmethod
    def _total(ends: npt.NDArray[np.int64]) -> int:
        return int(ends[-1]) if len(ends) else 0


def packed(captions: Sequence[Sequence[str]]) -> dict[str, npt.NDArray[np.uint8] | npt.NDArray[np.int32]]:
    """The arrays of `PARTS` for some images; those of several chunks are the same joined end to end."""
    texts = [text.encode() for of_image in captions for text in of_image]
    return {
        "captions": np.frombuffer(b"".join(texts), np.uint8),
        "lengths": np.array([len(text) for text in texts], np.int32),
        "counts": np.array([len(of_image) for of_image in captions], np.int32),
    }
