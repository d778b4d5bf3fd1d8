"""What the suite adds to a bare step: data and logging, checkpoints, the start of a cell, and memory."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from ablations.budgets import load_budgets
from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.prepared import prepare
from bench.cell.run import CellRun, run_cell
from bench.checkpoints.writer import CheckpointWriter
from bench.config import EvaluationConfig, TrainingConfig
from bench.machine.allocator import keep_freed_memory
from bench.machine.runtime import Runtime
from bench.training.network import prepare_network
from bench.training.step import TrainState
from tests.bench.checkpoints.headers import header
from tests.benchmarks.conftest import Note
from tests.benchmarks.interleaved import interleave
from variants import create_model

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1_200)]

FAST = Runtime(precision="bfloat16", attention="plain", threads=2, halves=True)


@pytest.mark.parametrize(
    ("preset", "batch", "threads"), [("uvit-nano/4", 128, 2), ("uvit-micro/4", 128, 2), ("uvit-micro-deep/4", 32, 1)]
)
def test_the_loop_over_the_bare_step(preset: str, batch: int, threads: int, tmp_path: Path, note: Note) -> None:
    training = TrainingConfig(steps=10_000, batch_size=batch, precision="bfloat16")
    cell = Cell(
        variant=preset, dataset="photos", budget="bench", training=training, evaluation=EvaluationConfig(), seed=0
    )
    runtime = dataclasses.replace(FAST, threads=threads)
    runtime.apply()
    keep_freed_memory()  # as the loop's caller does
    run = CellRun(prepare(cell), Place(root=tmp_path, runtime=runtime), lambda event: None)
    looped, bare = run._start(), run._start()
    x0 = torch.randn(batch, 3, 32, 32).clamp(-1, 1)
    noise, t = torch.randn_like(x0), torch.rand(batch)
    steps = 40  # a cell trains hundreds from one evaluation to the next, and draws their batches sixteen at a time
    sides = {
        "loop": lambda: run._train_until(looped, looped.step + steps),
        "bare": lambda: [bare.train_step(x0, t, noise) for _ in range(steps)],
    }
    overhead = interleave(sides, rounds=15, warm_up=1).ratio("loop", "bare")
    note(f"loop over bare step, {preset}, batch {batch}, {threads} threads", overhead, unit="x (<1.03)")


def test_a_checkpoint_of_u_vit_s_hardly_blocks(tmp_path: Path, note: Note) -> None:
    state = TrainState(
        prepare_network(create_model("uvit-s/2", image_size=32, channels=3), FAST), TrainingConfig(batch_size=1), FAST
    )
    x0 = torch.zeros(1, 3, 32, 32)
    blocked, whole = [], []
    with CheckpointWriter(tmp_path) as writer:
        writer.reserve(state)
        for _ in range(4):
            state.train_step(x0, torch.full((1,), 0.5), torch.randn_like(x0))
            writer.wait()
            started = time.perf_counter()
            writer.save(state, header(variant="uvit-s/2", image_size=32, step=state.step))
            blocked.append(time.perf_counter() - started)
            writer.wait()
            whole.append(time.perf_counter() - started)
    detail = f"largest {max(blocked):.2f} s; whole checkpoint {statistics.median(whole):.1f} s"
    note("checkpoint of uvit-s/2 blocks", statistics.median(blocked), unit="s (<0.5)", detail=detail)


def test_a_second_cell_starts_at_once(tmp_path: Path, note: Note) -> None:
    """From the call to the first step's report, in a process that has run a cell before."""
    budget, starts = load_budgets().get("demo-eps"), list[float]()
    for seed in range(4):
        cell = Cell(
            variant="uvit-micro-deep/2",
            dataset="photos",
            budget="demo-eps",
            training=dataclasses.replace(budget.training, steps=2, precision="bfloat16"),
            evaluation=dataclasses.replace(budget.evaluation, samples=0),
            seed=seed,
        )
        started, first = time.perf_counter(), itertools.count()

        def told(event: dict[str, object], started: float = started, first: itertools.count[int] = first) -> None:
            if "loss" in event and next(first) == 0:
                starts.append(time.perf_counter() - started)

        run_cell(cell, Place(root=tmp_path, runtime=FAST), report=told)
    note("start of a cell, the first", starts[0], unit="s")
    note("start of a cell, the following", statistics.median(starts[1:]), unit="s (<2)")


# VmHWM, not ru_maxrss: that one a forked child begins with its parent's
PEAK = r"""
import dataclasses, re, sys
from pathlib import Path
from ablations.budgets import load_budgets
from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.run import run_cell
from bench.machine.runtime import Runtime
budget = load_budgets().get("cpu-eps")
cell = Cell(variant="uvit-nano/4", dataset="photos", budget="cpu-eps", seed=0,
            training=dataclasses.replace(budget.training, steps=60, batch_size=128, precision="bfloat16"),
            evaluation=dataclasses.replace(budget.evaluation, every=0, val_every=0, nfe=5))
runtime = Runtime(precision="bfloat16", attention="plain", threads=2, halves=True)
record = run_cell(cell, Place(root=Path(sys.argv[1]), runtime=runtime))
assert any(score.metric.startswith("fd_") for score in record.scores), record.error
print(int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 2**20)
"""


def test_peak_memory_of_a_cell(tmp_path: Path, note: Note) -> None:
    """uvit-nano/4 at batch 128, with validation, sampling and scoring against 50,000 images."""
    done = subprocess.run([sys.executable, "-c", PEAK, str(tmp_path)], capture_output=True, text=True, check=True)
    note("peak resident size of a uvit-nano/4 cell", float(done.stdout.split()[-1]), unit="GiB (<1.4)")


CHECKPOINTED = r"""
import re, statistics, sys, time, torch
from bench.training import make_step
torch.set_num_threads(2)
step = make_step(sys.argv[1], image_size=32, channels=3, batch_size=int(sys.argv[2]),
                 gradient_checkpointing=sys.argv[3] == "on")
seconds = []
for _ in range(4):
    started = time.perf_counter(); step(); seconds.append(time.perf_counter() - started)
print(statistics.median(seconds[1:]), int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 2**20)
"""


@pytest.mark.parametrize(("preset", "batch"), [("uvit-s/2", 16), ("uvit-m/2", 4)])
def test_gradient_checkpointing(preset: str, batch: int, note: Note) -> None:
    found = {}
    for switch in ("off", "on"):
        done = subprocess.run(
            [sys.executable, "-c", CHECKPOINTED, preset, str(batch), switch],
            capture_output=True,
            text=True,
            check=True,
        )
        found[switch] = [float(number) for number in done.stdout.split()[-2:]]
    detail = f"{found['off'][1]:.2f} -> {found['on'][1]:.2f} GiB peak, {found['off'][0]:.1f} -> {found['on'][0]:.1f} s"
    note(
        f"gradient checkpointing, {preset}, batch {batch}: time",
        found["on"][0] / found["off"][0],
        unit="x",
        detail=detail,
    )
