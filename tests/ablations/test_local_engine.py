"""The local engine: workers that die cost their cell only, and what ran is the same however many ran side by side."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import results
from ablations import GridRequest, make_plan
from ablations.engines.job import Job, Run
from ablations.engines.local import LocalEngine
from bench.cell.place import Place

UVIT = Path(sys.executable).parent / "uvit"
QUICK = ["--budget", "smoke", "--set", "evaluation.samples=0", "--set", "evaluation.every=0"]

# building the network is fatal in a worker, and harmless in the command that only counts its parameters
DOOM = """
import multiprocessing, os, signal
from variants import AXES, Axis, Option

def fatal(config, model):
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)

AXES.register("doom", Axis(
    name="doom", question="Does a dead worker stop the grid?", default="no",
    options=(Option(name="no", formula="h"), Option(name="yes", formula="dead", build=fatal)),
))
"""
GRID = 'question = "Q?"\nbaseline = "no"\n[axes]\ndoom = ["no", "yes"]\n'
PAIR = 'question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat", "none"]\n'


def _run(folder: Path, grid: str, *more: str) -> subprocess.CompletedProcess[str]:
    (folder / "mine.toml").write_text(grid)
    command = [str(UVIT), "run", "mine.toml", *QUICK, *more]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=250, check=False)


def test_a_killed_worker_is_a_record_and_the_grid_goes_on(tmp_path: Path) -> None:
    (tmp_path / "doom.py").write_text(DOOM)
    result = _run(tmp_path, GRID, "--plugin", "doom.py", "--jobs", "2", "--seeds", "2", "--out", "out")
    assert result.returncode == 1, result.stderr
    records = [json.loads(path.read_text()) for path in (tmp_path / "out/records").glob("*.json")]
    failed = [record for record in records if record["status"] == "error"]
    assert len(records) == 4
    assert {record["variant"] for record in failed} == {"uvit-micro/4+doom=yes"}
    assert len(failed) == 2
    assert all("killed (signal 9)" in record["error"] for record in failed)
    assert "2 of 4 cells failed" in result.stderr


def test_side_by_side_or_one_by_one_gives_the_same_numbers(tmp_path: Path) -> None:
    for jobs in ("1", "2"):
        result = _run(tmp_path, PAIR, "--jobs", jobs, "--threads", "1", "--out", f"out{jobs}")
        assert result.returncode == 0, result.stderr
    one, two = (results.load(tmp_path / f"out{jobs}").sort_values(["train_id", "metric"]) for jobs in ("1", "2"))
    assert list(one.value) == list(two.value)


def test_a_resumed_grid_keeps_the_runtime_that_it_was_started_with(tmp_path: Path) -> None:
    assert (
        _run(tmp_path, PAIR, "--jobs", "1", "--threads", "2", "--precision", "float32", "--out", "out").returncode == 0
    )
    result = _run(tmp_path, PAIR, "--seeds", "2", "--out", "out")
    assert result.returncode == 0, result.stderr
    runtime = json.loads((tmp_path / "out/grids/mine.json").read_text())["runtime"]
    assert (runtime["threads"], runtime["precision"]) == (2, "float32")
    assert result.stderr.count("already finished") == 2


def test_compile_and_checkpointing_are_on_record_and_kept(tmp_path: Path) -> None:
    quick = ("--jobs", "1", "--threads", "1", "--out", "out")
    assert _run(tmp_path, PAIR, "--gradient-checkpointing", *quick).returncode == 0
    assert _runtime(tmp_path)["gradient_checkpointing"] is True
    assert _run(tmp_path, PAIR, "--seeds", "2", *quick).returncode == 0
    assert _runtime(tmp_path)["gradient_checkpointing"] is True, "as the grid was started"
    assert _run(tmp_path, PAIR, "--seeds", "3", "--no-gradient-checkpointing", "--no-compile", *quick).returncode == 0
    assert _runtime(tmp_path)["gradient_checkpointing"] is False
    records = [json.loads(path.read_text()) for path in (tmp_path / "out/records").glob("*.json")]
    used = {record["seed"]: record["provenance"]["runtime"]["gradient_checkpointing"] for record in records}
    assert used == {0: True, 1: True, 2: False}
    assert all(record["provenance"]["runtime"]["compile"] is False for record in records)


def test_compile_without_a_compiler_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(PAIR)
    command = [str(UVIT), "run", "mine.toml", *QUICK, "--compile", "--device", "cpu", "--out", "out"]
    environment = {**os.environ, "CXX": "no-such-compiler"}
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False, env=environment
    )
    assert result.returncode == 2
    assert "--compile on a CPU needs a C++ compiler, and 'no-such-compiler' is not here" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_cuda_graphs_without_a_gpu_are_refused_and_can_be_left_out(tmp_path: Path) -> None:
    quick = ("--jobs", "1", "--threads", "1", "--device", "cpu", "--out", "out")
    refused = _run(tmp_path, PAIR, "--cuda-graphs", *quick)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "--cuda-graphs needs a CUDA GPU, and the device is cpu; leave it out" in refused.stderr
    assert not (tmp_path / "out").exists()
    assert _run(tmp_path, PAIR, "--no-cuda-graphs", *quick).returncode == 0
    assert _runtime(tmp_path)["cuda_graphs"] is False


def _runtime(folder: Path) -> dict[str, object]:
    runtime: dict[str, object] = json.loads((folder / "out/grids/mine.json").read_text())["runtime"]
    return runtime


@pytest.mark.parametrize("workers", [1, 2])
def test_no_job_starts_after_the_time_is_up_and_those_that_run_end(tmp_path: Path, workers: int) -> None:
    settings = ["training.steps=2", "training.batch_size=2", "evaluation.samples=0", "evaluation.every=0"]
    plan, runtime = make_plan(GridRequest(grid="skip", budget="smoke", device="cpu", settings=settings))
    run = Run(place=Place(root=tmp_path, runtime=dataclasses.replace(runtime, threads=1)))
    jobs = [Job(index=i, train_id=p.train_id, cell=p.cell, run=run) for i, p in enumerate(plan.cells)]
    asked = iter([True, True])
    engine = LocalEngine(workers=workers, devices=["cpu"])
    ended = list(engine.run(jobs, tell=lambda index, event: None, may_start=lambda: next(asked, False)))
    assert len(jobs) == 5 and 2 <= len(ended) <= 3
    assert {index for index, _ in ended} <= {0, 1, 2}
    assert len(list((tmp_path / "records").glob("*.json"))) == len(ended)
    assert not list(engine.run(jobs, tell=lambda index, event: None, may_start=lambda: False))
