"""An ``.npy`` file written row by row, so that a dataset larger than memory can be decoded into it."""

from __future__ import annotations

import os
from io import BufferedRandom, BufferedWriter
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.files.hashing import digest_of


class NpyWriter:
    """An ``.npy`` file that grows by rows; its header leaves room for the final count (numpy pads it for that)."""

    def __init__(self, file: BufferedRandom, dtype: np.dtype[Any], row_shape: tuple[int, ...]) -> None:
        self.file, self.dtype, self.row_shape, self.count = file, dtype, row_shape, 0
        self._header()
        self.start = file.tell()

    def _header(self) -> None:
        shape = (self.count, *self.row_shape)
        header = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, header)

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Write some more rows, of the type and shape of all."""
        assert rows.dtype == self.dtype and rows.shape[1:] == self.row_shape, "every chunk of a split is alike"
        self.file.write(np.ascontiguousarray(rows).data)
        self.count += len(rows)

    def finish(self) -> str:
        """Write the final count into the header and sync; gives the file's SHA-256."""
        self.file.seek(0)
        self._header()
        assert self.file.tell() == self.start, "the header outgrew its room"
        sync(self.file)
        self.file.seek(0)
        return digest_of(self.file)


def sync(file: BufferedRandom | BufferedWriter) -> None:
    """Put what was written to an open file on the disk."""
    file.flush()
    os.fsync(file.fileno())
