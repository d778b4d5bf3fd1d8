"""Decoded datasets on disk: one uint8 ``.npy`` per split, memory-mapped, under the fingerprint of their source.

A folder appears whole or not at all (`bench.files.whole_folder`); it is written with plain writes, because writing
through a memory map would end in a SIGBUS on a full disk. Every load compares checksums, so a damaged folder is rebuilt
rather than trained on. A file of `LARGE` bytes or more, whose checksum would take minutes at every
start, counts as whole while its size and time of change are still those of when it was written.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.captions import PARTS, Captions, packed
from bench.data.dataset import Labels, Pixels
from bench.data.npy_writer import NpyWriter, sync
from bench.data.source import Chunk, Recipe
from bench.files.hashing import sha256_of
from bench.files.whole_folder import whole_folder

LAYOUT = 1
META = "meta.json"
LARGE = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """The arrays of a cached dataset by split, the checksums of its files, and what decoded them."""

    images: dict[str, Pixels]
    labels: dict[str, Labels | None]
    captions: dict[str, Captions | None]
    sha256: dict[str, str]
    decoder: dict[str, str]


def decoded(recipe: Recipe, cache_dir: Path) -> Decoded:
    """The arrays of ``recipe``, from the cache or decoded into it now; raises OSError when the disk refuses."""
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", recipe.name)
    folder = cache_dir / "datasets" / f"{slug}-{recipe.fingerprint[:16]}"
    arrays = _read(folder, recipe.fingerprint)
    if arrays is None:
        _build(recipe, folder)
        arrays = _read(folder, recipe.fingerprint)
    if arrays is None:
        raise OSError(errno.EIO, "what was written to the dataset cache does not read back", str(folder))
    return arrays


def _read(folder: Path, fingerprint: str) -> Decoded | None:
    """The cached arrays, or None when the folder is absent or damaged in any way."""
    try:
        meta = json.loads((folder / META).read_text())
        if meta["layout"] != LAYOUT or meta["fingerprint"] != fingerprint:
            return None
        untouched = meta.get("untouched", {})  # absent before it was known
        if not all(
            untouched.get(name) == _state(folder / name) or sha256_of(folder / name) == digest
            for name, digest in meta["sha256"].items()
        ):
            return None
        splits = meta["splits"]
        arrays = {
            name.removesuffix(".npy"): np.load(folder / name, mmap_mode="r", allow_pickle=False)
            for name in meta["sha256"]
        }
        return Decoded(
            images={split: arrays[f"{split}_images"] for split in splits},
            labels={split: arrays.get(f"{split}_labels") for split in splits},
            captions={split: _captions(arrays, split) for split in splits},
            sha256=dict(meta["sha256"]),
            decoder=dict(meta["decoder"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return None


def _captions(arrays: dict[str, npt.NDArray[Any]], split: str) -> Captions | None:
    if f"{split}_{PARTS[0]}" not in arrays:
        return None
    text, lengths, counts = (arrays[f"{split}_{part}"] for part in PARTS)
    return Captions(text, lengths, counts)


def _build(recipe: Recipe, folder: Path) -> None:
    def is_damaged() -> bool:
        return _read(folder, recipe.fingerprint) is None

    try:
        with whole_folder(folder, is_damaged=is_damaged, sweep=True) as temporary:
            _write(recipe, temporary)
    except OSError as error:
        if error.filename is None:  # a failed write does not say where
            raise OSError(error.errno, error.strerror, str(folder)) from error
        raise


def _write(recipe: Recipe, folder: Path) -> None:
    """Decode ``recipe`` into the empty ``folder``, all of it synced."""
    sha256 = _write_splits(folder, recipe.decode())
    splits = sorted({name.rsplit("_", 1)[0] for name in sha256}, reverse=True)
    assert "train" in splits, f"the recipe of {recipe.name} decoded no training images"
    meta = {"layout": LAYOUT, "name": recipe.name, "fingerprint": recipe.fingerprint, "splits": splits}
    states = {name: _state(folder / name) for name in sha256}
    untouched = {name: state for name, state in states.items() if state[0] >= LARGE}
    meta |= {"sha256": sha256, "decoder": _decoder()} | ({"untouched": untouched} if untouched else {})
    text = json.dumps(meta, indent=2, sort_keys=True)
    with (folder / META).open("wb") as file:
        file.write(text.encode() + b"\n")
        sync(file)


def _write_splits(folder: Path, chunks: Iterator[Chunk]) -> dict[str, str]:
    """Append the chunks to one file per split and kind; gives each file's SHA-256."""
    writers: dict[str, NpyWriter] = {}
    with ExitStack() as stack:
        for chunk in chunks:
            for kind, rows in _arrays(chunk).items():
                name = f"{chunk.split}_{kind}.npy"
                if name not in writers:
                    file = stack.enter_context((folder / name).open("w+b"))
                    writers[name] = NpyWriter(file, rows.dtype, rows.shape[1:])
                writers[name].append(rows)
        return {name: writer.finish() for name, writer in writers.items()}


def _arrays(chunk: Chunk) -> dict[str, npt.NDArray[Any]]:
    """What a chunk adds to the files of its split, by kind."""
    arrays: dict[str, npt.NDArray[Any]] = {"images": chunk.images}
    if chunk.labels is not None:
        arrays["labels"] = chunk.labels
    if chunk.captions is not None:
        assert len(chunk.captions) == len(chunk.images), "captions for every image"
        arrays |= packed(chunk.captions)
    return arrays


def _state(path: Path) -> list[int]:
    """Size and time of change, as JSON keeps them."""
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]


def _decoder() -> dict[str, str]:
    """What decoded the pixels: JPEG bytes differ between builds of libjpeg."""
    import PIL
    from PIL import features

    turbo = features.version("libjpeg_turbo")
    jpeg = f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}"
    return {"pillow": PIL.__version__, "jpeg": jpeg, "numpy": np.__version__}
