"""Cells per hour of ``uvit run`` against the same cells one by one, each in a process of its own with every core."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.conftest import Note
from tests.benchmarks.interleaved import Ratio

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3_000)]

ARMS = ("concat", "none")
SEEDS = 1
BUDGET = "demo-eps"
GRID = 'question = "How fast?"\nbaseline = "concat"\n[axes]\nskip = [{}]\n'


def test_cells_per_hour(tmp_path: Path, note: Note) -> None:
    """Two cells of budget demo-eps: packed by uvit run, and one process a cell."""
    packed, single = [], []
    for number in range(2):
        packed.append(_run(tmp_path / f"packed-{number}", ARMS))
        single.append(sum(_cell(tmp_path / f"single-{number}", arm, seed) for arm in ARMS for seed in range(SEEDS)))
    cells, ratios = len(ARMS) * SEEDS, sorted(a / b for a, b in zip(single, packed, strict=True))
    detail = f"{cells * 3_600 / max(packed):.0f} to {cells * 3_600 / min(packed):.0f} cells an hour"
    ratio = Ratio(sum(ratios) / len(ratios), ratios[0], ratios[-1], len(ratios))
    note("cells per hour, packed against one by one", ratio, target=1.15, detail=detail)


def _run(out: Path, arms: tuple[str, ...]) -> float:
    out.mkdir()
    grid = out / "speed.toml"
    grid.write_text(GRID.format(", ".join(f'"{arm}"' for arm in arms)))
    return _timed(
        [sys.executable, "cli.py", "run", str(grid), "--budget", BUDGET, "--seeds", str(SEEDS), "--out", str(out)]
    )


CELL = """
import dataclasses, sys
from pathlib import Path
from ablations.budgets import load_budgets
from bench.cell.place import Place
from bench.cell.identity import Cell
from bench.cell.run import run_cell
from bench.machine.runtime import Runtime
budget = load_budgets().get("demo-eps")
cell = Cell(variant="uvit-micro-deep/2+skip=" + sys.argv[2], dataset="photos", budget="demo-eps",
            seed=int(sys.argv[3]), training=dataclasses.replace(budget.training, precision="bfloat16"),
            evaluation=budget.evaluation)
runtime = Runtime(precision="bfloat16", attention="plain", threads=2)
record = run_cell(cell, Place(root=Path(sys.argv[1]), runtime=runtime))
assert record.status == "ok", record.error
"""


def _cell(out: Path, arm: str, seed: int) -> float:
    return _timed([sys.executable, "-c", CELL, str(out), arm, str(seed)])


def _timed(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - started
