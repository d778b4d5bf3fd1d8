"""CIFAR's "python version" batches are pickles; this reads them without letting them run anything.

Only what rebuilds a numpy byte array is admitted; every other name in the stream is refused.
"""

from __future__ import annotations

import codecs
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.data.dataset import Labels, Pixels

ROW = 3 * 32 * 32
CLASSES = 10


def _dtype(spec: str | bytes, *_: object) -> np.dtype[Any]:
    """The only dtype that is admitted; the stream's own align and copy (0 and 1 in Python 2) say nothing more."""
    text = spec.decode() if isinstance(spec, bytes) else spec
    if text not in ("u1", "|u1"):
        raise pickle.UnpicklingError(f"expected bytes, got an array of {text!r}")
    return np.dtype(text, False, True)  # a copy: the stream goes on to set its state


def _array(_: object, shape: tuple[int, ...], __: object) -> np.ndarray:
    return np.empty(shape, np.uint8)  # the stream goes on to set shape, dtype and content


def _text(value: str, encoding: str) -> bytes:
    return codecs.encode(value, encoding) if encoding == "latin1" else _refuse("_codecs", encoding)


def _refuse(module: str, name: str) -> Any:
    raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR batch needs; nothing of it was run")


_ADMITTED: dict[tuple[str, str], Callable[..., Any] | type] = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _text,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _ADMITTED.get((module, name)) or _refuse(module, name)


def read_batch(data: bytes, where: str) -> tuple[Pixels, Labels]:
    """Images uint8 ``(n, 3, 32, 32)`` and labels int64 ``(n,)``; raises ValueError that begins with ``where``."""
    try:
        batch = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except Exception as error:  # a damaged stream raises whatever its bytes happen to say
        raise ValueError(f"{where} is no CIFAR batch: {error}") from error
    images, labels = _fields(batch)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 2 or images.shape[1] != ROW:
        got = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise ValueError(f"{where}: expected data of uint8 (n, {ROW}), got {got}")
    if not isinstance(labels, list) or len(labels) != len(images) or not len(images):
        got = f"{len(labels)}" if isinstance(labels, list) else type(labels).__name__
        raise ValueError(f"{where}: expected a list of {len(images)} labels, at least one, got {got}")
    if not all(isinstance(label, int) and 0 <= label < CLASSES for label in labels):
        raise ValueError(f"{where}: expected labels 0 to {CLASSES - 1}")
    return np.ascontiguousarray(images).reshape(-1, 3, 32, 32), np.array(labels, np.int64)


def _fields(batch: object) -> tuple[object, object]:
    if not isinstance(batch, dict):
        return batch, None
    fields = {key.encode() if isinstance(key, str) else key: value for key, value in batch.items()}
    return fields.get(b"data"), fields.get(b"labels")
