"""The allocator's settings do what they say, in a process of their own."""

import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.allocator import LARGE, forget_pages, keep_step_memory, largest_activation
from variants import resolve

FAULTS = """
import resource, sys
import numpy as np
from bench.allocator import give_back_freed_memory, keep_freed_memory
how, size = sys.argv[1], int(sys.argv[2])
if how != "default":
    assert keep_freed_memory(large_blocks=how == "large")
def once():
    for block in [np.full(size, 1, np.uint8) for _ in range(4)]:
        del block
once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


MIB = 1 << 20
GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")


def _faults(setting: str, size: int) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, setting, str(size)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@GLIBC
@pytest.mark.parametrize(("setting", "size"), [("small", 12 * MIB), ("large", 12 * MIB), ("large", 64 * MIB)])
def test_freed_memory_is_used_again_without_page_faults(setting: str, size: int) -> None:
    assert _faults(setting, size) < 32
    assert _faults("default", size) >= 5 * size // (2 * MIB), "a fault for each huge page at least, five times"


@GLIBC
def test_large_blocks_are_given_back_unless_they_are_asked_for() -> None:
    assert _faults("small", 64 * MIB) >= 5 * 4 * 32


def test_pages_of_a_map_are_forgotten_and_read_again(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(1_000_000))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    total = mapped.sum()
    forget_pages(mapped[10:])
    forget_pages(np.arange(3))
    assert mapped.sum() == total


def test_large_blocks_are_kept_only_where_a_step_has_such(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = (resolve(name, image_size=32, channels=3) for name in ("uvit-nano/4", "uvit-nano/2"))
    assert largest_activation(small, 128) == 2 * 128 * 65 * 512
    assert largest_activation(large, 128) == 2 * 128 * 257 * 4 * 257
    assert largest_activation(small, 128) < LARGE < largest_activation(large, 128)
    asked: list[bool] = []
    monkeypatch.setattr("bench.allocator.keep_freed_memory", lambda *, large_blocks: asked.append(large_blocks))
    for network in (small, large):
        keep_step_memory(network, 128)
    assert asked == [False, True]
