"""Start-up in seconds, of whole processes. What holds on any machine (order, growth) is tested in tests/reports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest

from tests.reports.simulated import many_records

pytestmark = pytest.mark.bench

UVIT = Path(sys.executable).parent / "uvit"


def test_help_within_0_3_seconds() -> None:
    runs = [timed_lines("--help")[-1][0] for _ in range(9)]
    assert min(runs) < 0.3, runs


def test_the_table_of_100_records_within_3_seconds(tmp_path: Path) -> None:
    folder = many_records(tmp_path / "run").root
    runs = [seconds_to_table(folder, tmp_path / "out") for _ in range(3)]
    assert min(runs) < 3, runs


def seconds_to_table(folder: Path, out: Path) -> float:
    """Until the last line before the paths of the page and the report, which come after the figures."""
    *table, (_, page), (_, report) = timed_lines("report", str(folder), "--out", str(out))
    assert page.startswith("page: ")
    assert report.startswith("report: ")
    return table[-1][0]


def timed_lines(*arguments: str) -> list[tuple[float, str]]:
    """Lines that ``uvit`` prints, with text in them, and the seconds from its start to each."""
    start = perf_counter()
    with subprocess.Popen([str(UVIT), *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [(perf_counter() - start, line) for line in process.stdout if line.strip()]
    assert process.returncode == 0
    return lines
