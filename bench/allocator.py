"""The C allocator's settings for training: freed blocks are kept and used again.

By default glibc hands every block above 32 MiB (at first above 128 KiB) back to the kernel when it is freed, and the
next step gets it again page by page, zeroed: at 257 tokens half a million page faults a step. No number depends on it.
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from variants.config import ModelConfig

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGE = 32 << 20  # bytes: what glibc keeps by itself
_KEPT = 1 << 30  # bytes: a block up to this size comes from the heap; C int, so under 2 GiB


def largest_activation(config: ModelConfig, batch_size: int) -> int:
    """Bytes of the largest tensor that a training step is likely to make: attention weights or MLP hidden, in bf16."""
    tokens = config.num_patches + 1
    return 2 * batch_size * tokens * max(config.mlp_hidden, config.num_heads * tokens)


def keep_large_blocks(config: ModelConfig, batch_size: int) -> bool:
    """`keep_freed_memory` where a step has blocks that glibc would hand back; elsewhere it would only cost memory."""
    return largest_activation(config, batch_size) > LARGE and keep_freed_memory()


@cache
def keep_freed_memory() -> bool:
    """Ask glibc to keep freed memory in this process; once. False where the C library is another one.

    The process's size stays at its peak. Measured in docs/performance.md.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEPT)) and bool(mallopt(_M_TRIM_THRESHOLD, 2 * _KEPT - 1))


def give_back_freed_memory() -> None:
    """Hand what was freed so far to the system at once, so that a measurement of memory starts clean; glibc only."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
