"""Checkpoints: whole or absent, verified, two kept, and the next step bit for bit."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import bench.checkpoints.writer as writer_module
from bench.checkpoints.file import checkpoint_path, latest_checkpoint, load_checkpoint, steps_on_disk
from bench.checkpoints.state import restore, state_tensors
from bench.checkpoints.writer import CheckpointWriter, save_checkpoint
from bench.config import TrainingConfig
from bench.machine.runtime import Runtime
from bench.random import normal, stream
from bench.training.step import TrainState
from tests.bench.checkpoints.headers import header
from variants import create_model


def _state(seed: int = 0) -> TrainState:
    model = create_model("uvit-micro/4", image_size=16, channels=3, seed=seed)
    return TrainState(model, TrainingConfig(batch_size=4, lr=1e-3, warmup=2), Runtime())


def _saved(folder: Path, state: TrainState) -> Path:
    return save_checkpoint(folder, state, header(step=state.step))


def _step(state: TrainState) -> float:
    draws = stream(0, "data", state.step)
    x0, noise = normal(draws, (4, 3, 16, 16)), normal(draws, (4, 3, 16, 16))
    return float(state.train_step(x0, torch.from_numpy(draws.random(4, dtype="float32")), noise))


def _trained(steps: int) -> TrainState:
    state = _state()
    for _ in range(steps):
        _step(state)
    return state


def test_a_restored_state_takes_the_same_next_steps(tmp_path: Path) -> None:
    straight = _trained(3)
    path = _saved(tmp_path, straight)
    other = _state(seed=9)
    restore(other, load_checkpoint(path))
    assert other.step == 3
    for _ in range(3):
        assert _step(straight) == _step(other)
    ours, theirs = state_tensors(straight), state_tensors(other)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_keys_header_and_weights(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(_saved(tmp_path, _trained(1)))
    assert {key.split(".")[0] for key in checkpoint.tensors} == {"model", "ema", "optim"}
    assert checkpoint.header.variant == "uvit-micro/4"
    assert checkpoint.header.step == 1
    raw, ema = checkpoint.weights("raw"), checkpoint.weights("ema")
    assert raw.keys() == ema.keys() == dict(_state().model.named_parameters()).keys()
    assert any(not torch.equal(raw[key], ema[key]) for key in raw)


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    state = _state()
    for _ in range(4):
        _step(state)
        _saved(tmp_path, state)
    assert steps_on_disk(tmp_path) == [3, 4]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"step-0000000{step}.{ending}" for step in (3, 4) for ending in ("safetensors", "sha256")
    ]


def test_a_damaged_checkpoint_is_named_and_passed_over(tmp_path: Path) -> None:
    state = _trained(1)
    _saved(tmp_path, state)
    _step(state)
    newest = _saved(tmp_path, state)
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged: its SHA-256"):
        load_checkpoint(newest)
    checkpoint, problems = latest_checkpoint(tmp_path)
    assert checkpoint is not None
    assert checkpoint.header.step == 1
    assert len(problems) == 1
    assert "damaged" in problems[0]


def test_a_checkpoint_without_its_checksum_counts_as_cut_off(tmp_path: Path) -> None:
    path = _saved(tmp_path, _trained(1))
    path.with_suffix(".sha256").unlink()
    checkpoint, problems = latest_checkpoint(tmp_path)
    assert checkpoint is None
    assert "no checksum" in problems[0]


def test_a_header_can_be_refused(tmp_path: Path) -> None:
    _saved(tmp_path, _trained(1))
    assert latest_checkpoint(tmp_path, accept=lambda found: found.step > 1) == (None, [])


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer_module.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        _saved(tmp_path, _trained(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = checkpoint_path(tmp_path, 1)
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        load_checkpoint(tmp_path / "nothing.safetensors")


def test_training_goes_on_while_a_checkpoint_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is the state at the call, though the weights have moved on before the disk has it."""
    state, gate, write = _trained(2), threading.Event(), writer_module._write
    at_the_call = {key: value.clone() for key, value in state_tensors(state).items()}

    def slow_disk(*args: Any) -> None:
        assert gate.wait(30)
        write(*args)

    monkeypatch.setattr(writer_module, "_write", slow_disk)
    with CheckpointWriter(tmp_path) as writer:
        writer.reserve(state)
        writer.save(state, header(step=state.step))
        _step(state)
        assert steps_on_disk(tmp_path) == []
        gate.set()
    saved = load_checkpoint(checkpoint_path(tmp_path, 2)).tensors
    assert saved.keys() == at_the_call.keys()
    assert all(torch.equal(saved[key], at_the_call[key]) for key in saved)
    assert any(not torch.equal(saved[key], value) for key, value in state_tensors(state).items())


def test_memory_reserved_before_the_first_step_is_not_written(tmp_path: Path) -> None:
    state = _state()
    with CheckpointWriter(tmp_path) as writer:
        writer.reserve(state)
        writer.save(state, header(step=state.step))
    assert not any(key.startswith("optim.") for key in load_checkpoint(checkpoint_path(tmp_path, 0)).tensors)


@pytest.mark.parametrize("when", ["wait", "save", "leaving"])
def test_a_disk_that_is_full_is_said_by_the_next_call(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer_module, "_write", full)
    state = _trained(1)
    with pytest.raises(OSError, match="No space left"), CheckpointWriter(tmp_path) as writer:
        writer.save(state, header(step=state.step))
        if when == "wait":
            writer.wait()
        if when == "save":
            writer.save(state, header(step=state.step))
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_training_is_not_hidden_by_one_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer_module, "_write", full)
    with pytest.raises(ArithmeticError, match="diverged"), CheckpointWriter(tmp_path) as writer:
        writer.save(_trained(1), header(step=1))
        raise ArithmeticError("diverged")
    assert "could not be written" in caplog.text


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left = [tmp_path / f".step-00000002.safetensors.{int(dead.stdout)}", tmp_path / ".tmpQ4xk2b"]
    in_use = [tmp_path / f".step-00000002.safetensors.{os.getpid()}", tmp_path / ".tmpa81LPo"]
    for path in left + in_use:
        path.write_bytes(b"half")
    os.utime(left[1], (0, 0))
    with CheckpointWriter(tmp_path):
        assert sorted(tmp_path.iterdir()) == sorted(in_use)
