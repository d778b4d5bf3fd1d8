"""The allocator's settings do what they say, in a process of their own."""

import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.machine.allocator import forget_pages

MIB = 1 << 20
FAULTS = """
import resource, sys
import numpy as np
from bench.machine.allocator import give_back_freed_memory, keep_freed_memory
how, size = sys.argv[1], int(sys.argv[2])
if how != "default":
    assert keep_freed_memory()
def once():
    for block in [np.full(size, 1, np.uint8) for _ in range(4)]:
        del block
    if how == "given back":
        give_back_freed_memory()
once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
REUSED = """
import numpy as np
from bench.machine.allocator import reused_memory
def resident():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) << 10
before = resident()
with reused_memory():
    np.full(100 << 20, 1, np.uint8)
    assert resident() - before > 90 << 20, "kept within the block"
assert resident() - before < 10 << 20, "and given back at its end"
"""
GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")


def _run(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@GLIBC
@pytest.mark.parametrize("size", [12 * MIB, 64 * MIB])
def test_freed_memory_is_used_again_without_page_faults(size: int) -> None:
    faults = {how: int(_run(FAULTS, how, str(size))) for how in ("default", "kept", "given back")}
    assert faults["kept"] < 32
    for how in ("default", "given back"):
        assert faults[how] >= 5 * size // (2 * MIB), "a fault for each huge page at least, five times"


@GLIBC
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident sizes are read from /proc")
def test_memory_is_kept_within_the_block_and_given_back_after_it() -> None:
    _run(REUSED)


def test_pages_of_a_map_are_forgotten_and_read_again(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(1_000_000))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    total = mapped.sum()
    assert _resident(tmp_path / "a.npy") in (None, pytest.approx(7_813, abs=100))
    forget_pages(mapped[10:])
    forget_pages(np.arange(3))
    assert _resident(tmp_path / "a.npy") in (None, 0)
    assert mapped.sum() == total


def _resident(path: Path) -> int | None:
    """KiB of the mapped file that this process holds; None where the system does not tell."""
    if not Path("/proc/self/smaps").exists():
        return None
    _, _, found = Path("/proc/self/smaps").read_text().partition(str(path))
    return int(found.partition("\nRss:")[2].split()[0])
