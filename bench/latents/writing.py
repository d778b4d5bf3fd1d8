"""Writing a folder of latents so that hours of encoding survive a kill: rows are appended beside the folder's place.

Until it is whole, the folder is ``.NAME.partial``: its ``.npy`` headers promise all rows from the start, its files
grow, and what their sizes say is there is not encoded again. Then they are hashed and the folder gets its name. What
`bench.files.whole_folder` does for writings of minutes would throw the rows away.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bench.data.latent_folder import LAYOUT, META
from bench.files.hashing import digest_of
from bench.files.whole_folder import put_in_place
from results.store import write_json

REQUEST = "request.json"


class PartialFolder:
    """The folder that becomes ``out``, within a ``with`` block: one process at a time writes it.

    ``request`` is what its content depends on: rows of another request are thrown away, rows of the same are kept.
    Entering raises ValueError while another process writes.
    """

    def __init__(self, out: Path, request: Mapping[str, Any]) -> None:
        self.out, self.folder, self.request = out, out.with_name(f".{out.name}.partial"), dict(request)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise ValueError(
                f"another process is encoding into {self.out}; wait for it, or give another --out"
            ) from None
        if _read(self.folder / REQUEST) != self.request:
            for path in self.folder.glob("*"):
                path.unlink()
            write_json(self.folder / REQUEST, self.request)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)

    def rows(self, name: str, count: int, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> GrowingArray:
        """The array ``name`` of ``count`` rows, with the rows that an earlier attempt wrote."""
        return GrowingArray(self.folder / f"{name}.npy", count, shape, np.dtype(dtype))

    def write(self, name: str, array: npt.NDArray[Any]) -> None:
        """Write the whole array ``name`` at once."""
        np.save(self.folder / f"{name}.npy", array)

    def finish(
        self, encoding: Mapping[str, Any], counts: Mapping[str, int], made_with: Mapping[str, str | None]
    ) -> Path:
        """Hash the files, write ``meta.json`` and give the folder its name; an empty one there is replaced."""
        files = sorted(self.folder.glob("*.npy"))
        meta = {
            "layout": LAYOUT,
            "encoding": dict(encoding),
            "counts": dict(counts),
            "sha256": {path.name: _synced_sha256(path) for path in files},
            "bytes": {path.name: path.stat().st_size for path in files},
            "made_with": dict(made_with),
        }
        write_json(self.folder / META, meta)
        (self.folder / REQUEST).unlink()
        put_in_place(self.folder, self.out)
        return self.out


class GrowingArray:
    """An ``.npy`` file whose header promises all rows while they come."""

    def __init__(self, path: Path, count: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path, self.count, self.dtype, self.shape = path, count, dtype, shape
        self.row_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if not path.exists():
            self._write_header()
        self.start = self._header_bytes()

    def done(self, batch: int) -> int:
        """How many rows are on disk, those of a ``batch`` that was cut off left out."""
        rows = (self.path.stat().st_size - self.start) // self.row_bytes
        return self.count if rows >= self.count else rows // batch * batch

    def cut(self, rows: int) -> None:
        """Forget all rows after the first ``rows``."""
        os.truncate(self.path, self.start + rows * self.row_bytes)

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Write some more rows, of the type and shape of all."""
        assert rows.dtype == self.dtype and rows.shape[1:] == self.shape, "every row is alike"
        with self.path.open("ab") as file:
            file.write(np.ascontiguousarray(rows).data)

    def _write_header(self) -> None:
        header = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False}
        with self.path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header | {"shape": (self.count, *self.shape)})

    def _header_bytes(self) -> int:
        with self.path.open("rb") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            return file.tell()


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _synced_sha256(path: Path) -> str:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        return digest_of(file)
