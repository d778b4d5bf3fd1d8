"""No ordinary test depends on how fast or busy the machine is: what reads a clock is a benchmark."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
CLOCKS = re.compile(r"\b(perf_counter|monotonic|process_time|thread_time)(_ns)?\b(?! ?=)")  # `=` plants one
MEASURED = ("benchmarks", "gpu")  # left out of `make test` by their markers


def test_only_benchmarks_read_a_clock() -> None:
    files = [path for path in TESTS.rglob("*.py") if path.relative_to(TESTS).parts[0] not in MEASURED]
    read = {str(path.relative_to(TESTS)) for path in files if CLOCKS.search(path.read_text())}
    assert read == {Path(__file__).name}


def test_every_benchmark_is_marked_as_one() -> None:
    for path in (TESTS / "benchmarks").glob("test_*.py"):
        assert re.search(r"^pytestmark = (\[?)pytest\.mark\.bench\b", path.read_text(), re.MULTILINE), path
