"""``--track tensorboard``: event files that read back as what the cells said; heartbeats of cells that really run."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import pytest

from ablations.engines.job import Job, Run, run_job
from ablations.trackers.tracking import check_tracker, tracked
from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.prepared import prepare
from bench.config import EvaluationConfig, TrainingConfig
from bench.machine.runtime import Runtime
from results.running import read_running

TRAINING = TrainingConfig(steps=4, batch_size=4, lr=1e-3, warmup=2, ema_decay=0.9, image_size=16, precision="float32")
EVALUATION = EvaluationConfig(every=0, val_images=8, val_every=2, samples=8, nfe=2, reference_count=32,
                              extractor="effnet-lite0", metrics=("frechet",))  # fmt: skip
CELL = Cell(variant="uvit-micro/4", dataset="photos", budget="test", training=TRAINING, evaluation=EVALUATION, seed=0)


def events(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0}).Reload()


def test_a_cells_events_are_read_back_and_its_heartbeat_is_seen(tmp_path: Path) -> None:
    identity = prepare(CELL).train_id
    job = Job(
        index=0,
        train_id=identity,
        cell=CELL,
        run=Run(place=Place(root=tmp_path, runtime=Runtime(threads=1)), track="tensorboard"),
    )
    beats = []
    record = run_job(job, lambda index, event: beats.extend(read_running(tmp_path)))
    assert {beat.train_id for beat in beats} == {identity} and beats[0].steps == 4
    assert not (tmp_path / "running").exists()
    found = events(tmp_path / "tensorboard" / identity)
    losses = [(event.step, event.value) for event in found.Scalars("train/loss")]
    assert losses == [(point["step"], pytest.approx(point["loss"])) for point in record.losses]
    norms = [(event.step, event.value) for event in found.Scalars("train/grad_norm")]
    assert norms == [(point["step"], pytest.approx(point["grad_norm"])) for point in record.losses]
    for score in record.scores:
        tag = f"score/{score.metric}/{score.weights}"
        assert (score.step, pytest.approx(score.value)) in [(e.step, e.value) for e in found.Scalars(tag)]
    (picture,) = found.Images("samples/ema")
    assert picture.step == 4 and picture.width > 16
    assert found.Tensors("cell/text_summary")[0].tensor_proto.string_val == [b"uvit-micro/4, seed 0"]


def test_a_resumed_cell_voids_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    for first, loss in ((0, 1.0), (2, 5.0)):
        with tracked("tensorboard", tmp_path, train_id="ab", title="cell", tell=lambda event: None) as tell:
            for step in range(first, 4):
                tell({"step": step, "loss": loss})
    scalars = events(tmp_path / "tensorboard" / "ab").Scalars("train/loss")
    assert [(e.step, e.value) for e in scalars] == [(0, 1.0), (1, 1.0), (2, 5.0), (3, 5.0)]


def test_without_a_tracker_nothing_is_written(tmp_path: Path) -> None:
    def tell(event: dict[str, Any]) -> None: ...

    with tracked("", tmp_path, train_id="ab", title="cell", tell=tell) as same:
        assert same is tell
    assert list(tmp_path.iterdir()) == []


def test_it_is_part_of_no_id() -> None:
    assert "track" not in {field.name for field in dataclasses.fields(Runtime)}  # which records and checkpoints keep


def test_a_wrong_name_and_a_missing_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_tracker("")
    check_tracker("tensorboard")
    with pytest.raises(ValueError, match="tensorboard"):
        check_tracker("tensorbord")
    monkeypatch.setattr("ablations.trackers.tracking.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'uvit-ablations\[tracking\]'"):
        check_tracker("tensorboard")


def test_the_command_line_refuses_before_it_trains(tmp_path: Path) -> None:
    import subprocess

    command = [sys.executable, "-m", "cli", "run", "skip", "--track", "wandb", "--out", str(tmp_path / "out")]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "tensorboard" in done.stderr and len(done.stderr.splitlines()) <= 2
    assert not (tmp_path / "out").exists()
