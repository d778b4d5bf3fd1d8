"""The allocator's settings do what they say, in a process of their own."""

import platform
import subprocess
import sys

import pytest

from bench.allocator import LARGE, keep_large_blocks, largest_activation
from variants import resolve

FAULTS = """
import resource, sys
import numpy as np
from bench.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def once():
    np.full(64 << 20, 1, np.uint8)
once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(setting: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, setting], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_a_freed_block_is_used_again_without_page_faults() -> None:
    assert _faults("kept") < 32
    assert _faults("default") >= 5 * 32, "a fault for each huge page at least, of 64 MiB five times"


def test_memory_is_kept_only_where_a_step_has_large_blocks() -> None:
    small, large = (resolve(name, image_size=32, channels=3) for name in ("uvit-nano/4", "uvit-nano/2"))
    assert largest_activation(small, 128) == 2 * 128 * 65 * 512
    assert largest_activation(large, 128) == 2 * 128 * 257 * 4 * 257
    assert largest_activation(small, 128) < LARGE < largest_activation(large, 128)
    assert not keep_large_blocks(small, 128)
