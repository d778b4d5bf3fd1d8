"""The process's memory: what a step frees is kept for the next, and given back when something else begins.

By default glibc hands freed blocks above 32 MiB, and the heap's free end, back to the kernel, and the next step gets
them again page by page, zeroed: 25,000 page faults a training step of `uvit-nano/4`, half a million at 257 tokens, and
260 for each image and evaluation of a sampling. No score depends on it.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT = 1 << 30  # bytes: a block up to this size comes from the heap; C int, so under 2 GiB


@cache
def keep_freed_memory() -> bool:
    """Ask glibc to keep freed memory in this process from now on; once. False where the C library is another one.

    Until `give_back_freed_memory` the process's size stays at its peak. Measured in docs/performance.md.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEPT)) and bool(mallopt(_M_TRIM_THRESHOLD, 2 * _KEPT - 1))


def give_back_freed_memory() -> None:
    """Hand what was freed so far to the system at once; glibc only."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def reused_memory() -> Iterator[None]:
    """Within the block freed memory is kept for whoever asks next; what is free at its end is given back."""
    keep_freed_memory()
    try:
        yield
    finally:
        give_back_freed_memory()


def forget_pages(array: Any) -> None:
    """Take the pages of a memory-mapped array out of this process's resident size; the system's cache keeps them.

    An array in memory is left as it is.
    """
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mapped, "madvise"):  # Windows has none
        mapped.madvise(mmap.MADV_DONTNEED)
