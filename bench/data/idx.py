"""The IDX format of MNIST and its kin, plain or gzipped (http://yann.lecun.com/exdb/mnist, "file formats")."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from bench.data.dataset import Pixels
from bench.data.files import read_bytes

_UINT8 = 0x08


def read_idx(path: Path, dimensions: int) -> Pixels:
    """The uint8 array in ``path``, of ``dimensions`` axes; raises ValueError naming a file that is not such."""
    data = read_bytes(path)
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is damaged or cut short: {error}") from error
    start = 4 + 4 * dimensions
    if len(data) < start or data[:4] != bytes([0, 0, _UINT8, dimensions]):
        raise ValueError(f"{path}: expected an IDX file of bytes with {dimensions} dimensions, got {data[:4].hex(' ')}")
    shape = struct.unpack(f">{dimensions}I", data[4:start])
    if len(data) - start != int(np.prod(shape, dtype=np.uint64)):
        raise ValueError(f"{path}: its header promises {shape}, but {len(data) - start:,} bytes follow")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
