"""Reference statistics: computed once a dataset and extractor, cached under a hash of everything they depend on.

A reference is a folder ``<cache>/references/<hash>/`` that appears whole or not at all; every load checks its files, so
a damaged one is computed again rather than scored against. ``N`` images, ``d`` features.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.fid.extractor import Extractor, extract
from bench.fid.kernel import self_term
from bench.fid.statistics import Statistics
from bench.files.hashing import sha256_of
from bench.files.paths import cache_dir as default_cache_dir
from bench.files.whole_folder import whole_folder
from bench.random import stream
from results.store import write_json

if TYPE_CHECKING:
    from bench.data import Split

LAYOUT = 1
FEATURES, STATISTICS, META, KERNEL = "features.npy", "statistics.npz", "meta.json", "kernel.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """What a set of real images looks like to an extractor.

    ``mean`` (d,) and ``cov`` (d, d) are float64, ``features`` a read-only memory map, float32 (count, d). ``hash``
    covers the images' fingerprint, the count and the extractor, never a path. ``folder`` is where it is cached.
    """

    name: str
    hash: str
    count: int
    extractor: str
    weights_sha256: str
    folder: Path
    mean: npt.NDArray[np.float64] = field(repr=False)
    cov: npt.NDArray[np.float64] = field(repr=False)
    features: npt.NDArray[np.float32] = field(repr=False)

    def kernel_self_term(self, device: str = "cpu") -> float:
        """The reference's half of the kernel distance; computed on first use and kept beside the statistics."""
        path = self.folder / KERNEL
        try:
            return float(json.loads(path.read_text())["self_term"])
        except (OSError, ValueError, KeyError, TypeError):
            value = self_term(self.features, device=device)
            with suppress(OSError):  # a cache that cannot be written costs time, not the score
                write_json(path, {"self_term": value})
            return value


def reference_for(
    split: Split,
    *,
    name: str,
    fingerprint: str,
    extractor: Extractor,
    count: int = 0,
    cache_dir: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Reference:
    """The reference of ``count`` images of ``split`` (0 = all; fewer are drawn by a fixed permutation).

    ``name`` (``photos:train``) is for people; ``fingerprint`` and the split's own name the content. Raises ValueError
    for a count that the split does not have, OSError when the cache cannot be written.
    """
    count = _checked(count, len(split), name)
    key = _key(split, fingerprint, extractor, count)
    digest = hashlib.sha256(json.dumps(key, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    folder = (cache_dir or default_cache_dir()) / "references" / digest[:16]
    reference = _read(folder, name, digest, extractor)
    if reference is None:
        images = split.images if count == len(split) else _Rows(split.images, chosen_rows(len(split), count))
        _build(folder, images, key | {"hash": digest, "name": name}, extractor, progress)
        reference = _read(folder, name, digest, extractor)
    if reference is None:
        raise OSError(f"{folder}: what was written to the reference cache does not read back")
    return reference


def _checked(count: int, available: int, name: str) -> int:
    if count < 0 or count > available:
        raise ValueError(f"a reference of {count} images was asked for; {name} has {available} (0 takes all)")
    if (count or available) < 2:
        raise ValueError(f"a reference needs at least two images; {name} has {available}, asked for {count}")
    return count or available


def _key(split: Split, fingerprint: str, extractor: Extractor, count: int) -> dict[str, Any]:
    return {
        "layout": LAYOUT,
        "dataset": fingerprint,
        "split": split.fingerprint,
        "count": count,
        "extractor": extractor.name,
        "weights_sha256": extractor.card["weights_sha256"],
        "card_version": extractor.card["card_version"],
    }


def chosen_rows(available: int, count: int) -> npt.NDArray[np.int64]:
    """Which images a reference of ``count`` holds, by row: the first of a fixed permutation, in storage order.

    Smaller references are parts of larger ones.
    """
    return np.sort(stream(0, "reference").permutation(available)[:count])


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some rows of a memory map, copied only batch by batch."""

    images: npt.NDArray[np.uint8]
    chosen: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, rows: slice) -> npt.NDArray[np.uint8]:
        return self.images[self.chosen[rows]]


def _read(folder: Path, name: str, digest: str, extractor: Extractor) -> Reference | None:
    """The cached reference, or None when it is absent or damaged in any way."""
    try:
        meta = json.loads((folder / META).read_text())
        if meta["hash"] != digest or any(sha256_of(folder / file) != sha for file, sha in meta["sha256"].items()):
            return None
        statistics = Statistics.load(folder / STATISTICS)
        features = np.load(folder / FEATURES, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return None
    return Reference(
        name=name,
        hash=digest,
        count=statistics.count,
        extractor=extractor.name,
        weights_sha256=extractor.card["weights_sha256"],
        folder=folder,
        mean=statistics.mean,
        cov=statistics.cov,
        features=features,
    )


def _build(
    folder: Path, images: Any, meta: dict[str, Any], extractor: Extractor, progress: Callable[[int], None]
) -> None:
    def is_damaged() -> bool:
        return _read(folder, meta["name"], meta["hash"], extractor) is None

    with whole_folder(folder, is_damaged=is_damaged) as temporary:
        statistics = Statistics(extractor.dim)
        batches = extract(extractor, images, progress=progress)
        _write_features(temporary / FEATURES, batches, (len(images), extractor.dim), statistics)
        statistics.save(temporary / STATISTICS)
        sha256 = {file: sha256_of(temporary / file) for file in (FEATURES, STATISTICS)}
        write_json(temporary / META, meta | {"sha256": sha256, "card": extractor.card})


def _write_features(path: Path, batches: Iterable[np.ndarray], shape: tuple[int, int], statistics: Statistics) -> None:
    """Plain writes as features come (a memory map would end in a bus error on a full disk), and their statistics."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for rows in batches:
            file.write(np.ascontiguousarray(rows, np.float32).data)
            statistics.update(rows)
        file.flush()
        os.fsync(file.fileno())
