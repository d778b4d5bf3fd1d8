"""The allocator's settings do what they say, in a process of their own."""

import platform
import subprocess
import sys

import pytest

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
    assert _faults("kept") < 100
    assert _faults("default") > 1_000, "otherwise the setting is not needed here"
