"""A folder of latents: ``.npy`` files and ``meta.json``, which says what they are of and how they were made.

``SPLIT_moments.npy`` float32 (N, 2Z, h, w), mean then log variance; ``train_mirrored.npy`` the same of each image's
mirror image; ``SPLIT_labels.npy`` int64 (N,). Of captions, ``SPLIT_context.npy`` float32 (M, T, E), ``SPLIT_ends.npy``
int64 (N,) and ``empty_context.npy`` (T, E), as `bench.data.contexts` explains. N images, Z channels. No torch here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bench.files.hashing import sha256_of

LAYOUT = 1
META = "meta.json"
MOMENTS, MIRRORED, LABELS = "moments", "mirrored", "labels"
CONTEXT, ENDS, EMPTY = "context", "ends", "empty_context"
CHECKED = 256 << 20  # bytes up to which a file's checksum is compared at every load, in a fraction of a second
MAKE = "make it with `uvit encode DATASET --autoencoder PATH --out FOLDER`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """What latents are of and how they were made; everything that names them, and where their images lie.

    ``source`` is the dataset as ``--dataset`` takes it, ``data_dir`` where it is looked for ("" = where all are),
    ``image_size`` its pixels a side; reference statistics come from its images. ``autoencoder`` is a path or a
    published name; the hashes say which weights it must have.
    """

    source: str
    source_fingerprint: str
    data_dir: str
    image_size: int
    image_channels: int
    num_classes: int
    flip: bool
    autoencoder: str
    encoder_sha256: str
    decoder_sha256: str
    scale: float
    channels: int
    size: int
    text_encoder: str = ""  # where captions were encoded too: its folder, its hash, T and E
    text_sha256: str = ""
    context_tokens: int = 0
    context_dim: int = 0

    def identity(self) -> dict[str, Any]:
        """What the latents' content depends on: no path, and not the decoder."""
        left_out = ["source", "data_dir", "autoencoder", "decoder_sha256", "text_encoder"]
        left_out += [] if self.context_tokens else ["text_sha256", "context_tokens", "context_dim"]
        return {key: value for key, value in asdict(self).items() if key not in left_out}

    def card(self) -> dict[str, Any]:
        """What a record and a checkpoint keep of it, JSON-able."""
        return {key: value for key, value in asdict(self).items() if key != "data_dir"}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """The encoding that ``meta.json`` holds; raises KeyError or TypeError where it lacks a field."""
        return cls(**{name: values[name] for name in cls.__slots__ if name in values})


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentFolder:
    """A folder of latents as it was written."""

    folder: Path
    encoding: Encoding
    counts: dict[str, int]  # images by split
    sha256: dict[str, str]  # by file
    made_with: dict[str, str | None]  # versions and device

    def array(self, split: str, kind: str) -> npt.NDArray[Any] | None:
        """The memory-mapped array of a ``kind`` (`MOMENTS`, `LABELS`, …) of a split, None where it has no such file."""
        return self.load(f"{split}_{kind}.npy")

    def load(self, name: str) -> npt.NDArray[Any] | None:
        """The memory-mapped array in the file ``name``, or None where the folder has no such file."""
        if name not in self.sha256:
            return None
        try:
            array: npt.NDArray[Any] = np.load(self.folder / name, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(f"latents {self.folder}: cannot read {name} ({error}); encode again") from None
        return array


def read_folder(folder: Path) -> LatentFolder:
    """The latents that ``uvit encode`` left in ``folder``; raises ValueError in one line where they are not whole.

    The sizes of all files are checked, and the checksums of those of at most `CHECKED` bytes.
    """
    if not folder.is_dir():
        raise ValueError(f"no folder of latents at {folder}; {MAKE}")
    try:
        meta = json.loads((folder / META).read_text())
        if meta["layout"] != LAYOUT:
            raise ValueError(f"its layout is {meta['layout']}, this version reads {LAYOUT}")
        for name, digest in meta["sha256"].items():
            _check(folder / name, int(meta["bytes"][name]), digest)
        return LatentFolder(
            folder=folder,
            encoding=Encoding.from_mapping(meta["encoding"]),
            counts={str(split): int(count) for split, count in meta["counts"].items()},
            sha256=dict(meta["sha256"]),
            made_with=dict(meta["made_with"]),
        )
    except FileNotFoundError as error:
        raise ValueError(
            f"{folder} is no finished folder of latents: it lacks {Path(error.filename).name}; {MAKE}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder} is a damaged folder of latents ({error}); {MAKE}") from None


def _check(path: Path, size: int, digest: str) -> None:
    stat = path.stat()
    if stat.st_size != size:
        raise ValueError(f"{path.name} has {stat.st_size:,} bytes, not {size:,}")
    if size <= CHECKED and _sha256(path, stat.st_mtime_ns, size) != digest:
        raise ValueError(f"{path.name} is not what was written: its checksum differs")


@lru_cache(maxsize=64)
def _sha256(path: Path, _mtime: int, _size: int) -> str:
    """The checksum of a file, taken once a process for as long as it does not change."""
    return sha256_of(path)
