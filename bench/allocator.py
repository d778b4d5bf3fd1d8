"""The process's memory: what a training step frees is kept for the next, and given back before something else begins.

By default glibc hands blocks above 32 MiB, and the heap's free end, back to the kernel, and the next step gets them
again page by page, zeroed: 25,000 page faults a step of `uvit-nano/4`, half a million at 257 tokens. No score depends
on it.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from variants.config import ModelConfig

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGE = 32 << 20  # bytes: what glibc keeps by itself
_KEPT = 1 << 30  # bytes: a block up to this size comes from the heap; C int, so under 2 GiB


def largest_activation(config: ModelConfig, batch_size: int) -> int:
    """Bytes of the largest tensor that a training step is likely to make: attention weights or MLP hidden, in bf16."""
    tokens = config.num_patches + 1
    return 2 * batch_size * tokens * max(config.mlp_hidden, config.num_heads * tokens)


def keep_step_memory(config: ModelConfig, batch_size: int) -> bool:
    """`keep_freed_memory` for the training steps of a network, with large blocks where it has such."""
    return keep_freed_memory(large_blocks=largest_activation(config, batch_size) > LARGE)


def keep_freed_memory(*, large_blocks: bool) -> bool:
    """Ask glibc to keep freed memory in this process from now on. False where the C library is another one.

    Blocks above 32 MiB are kept only with ``large_blocks``: scoring has a few, and the heap is no place for them.
    Measured in docs/performance.md.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEPT if large_blocks else LARGE)) and bool(
        mallopt(_M_TRIM_THRESHOLD, 2 * _KEPT - 1)
    )


def give_back_freed_memory() -> None:
    """Hand what was freed so far to the system at once, so that a measurement of memory starts clean; glibc only."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def forget_pages(array: Any) -> None:
    """Take the pages of a memory-mapped array out of this process's resident size; the system's cache keeps them.

    An array in memory is left as it is.
    """
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mapped, "madvise"):  # Windows has none
        mapped.madvise(mmap.MADV_DONTNEED)
