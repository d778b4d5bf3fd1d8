"""Writing checkpoints: beside the training, whole or not at all, the last two kept."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench.checkpoints.file import checkpoint_path, steps_on_disk
from bench.checkpoints.state import state_tensors, tensors_after_a_step
from bench.files.hashing import sha256_of
from results.store import write_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from bench.checkpoints.header import Header
    from bench.training.step import TrainState

log = logging.getLogger("uvit")

KEPT = 2
_ABANDONED_S = 3_600.0


class CheckpointWriter:
    """Writes checkpoints of one cell beside its training: a step waits for a copy in memory, not for the disk.

    One is under way at a time. What went wrong in writing is raised by the next `save` or by `wait`; leaving the
    ``with`` block waits too, so that no checkpoint is cut off.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._under_way: Future[object] | None = None
        self._snapshot: dict[str, Tensor] = {}
        _remove_what_killed_processes_left(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            self.wait()
        except Exception:
            if kind is None:
                raise
            log.warning("%s: a checkpoint could not be written", self.folder, exc_info=True)
        finally:
            self._thread.shutdown()

    def reserve(self, state: TrainState) -> None:
        """Get the memory of the copies in the background, so that the first `save` does not wait for it."""
        self._under_way = self._thread.submit(self._allocate, tensors_after_a_step(state))

    def save(self, state: TrainState, header: Header) -> None:
        """Write the state after ``state.step`` steps, then drop all but the last two checkpoints."""
        self.wait()
        tensors = state_tensors(state)
        self._allocate(tensors)
        for key, tensor in tensors.items():
            self._snapshot[key].copy_(tensor)
        metadata = header.metadata()
        path = checkpoint_path(self.folder, header.step)
        self._under_way = self._thread.submit(
            _write_checkpoint, path, {key: self._snapshot[key] for key in tensors}, metadata
        )

    def wait(self) -> None:
        """Until the checkpoint that is under way is on disk. Raises OSError where it could not be written."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def _allocate(self, like: Mapping[str, Tensor]) -> None:
        """Memory on the CPU for a copy of each tensor, its pages touched; what is there already stays."""
        import torch

        for key in like.keys() - self._snapshot.keys():
            self._snapshot[key] = torch.empty(like[key].shape, dtype=like[key].dtype).zero_()


def _remove_what_killed_processes_left(folder: Path) -> None:
    """Temporary files: ours, named by a process that is gone, and safetensors' nameless ones, by their age."""
    for path in folder.glob(".step-*.safetensors.*"):
        if path.suffix[1:].isdigit() and not _is_alive(int(path.suffix[1:])):
            path.unlink(missing_ok=True)
    for path in folder.glob(".tmp*"):
        if time.time() - path.stat().st_mtime > _ABANDONED_S:
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_checkpoint(folder: Path, tensors: dict[str, Tensor], header: Header) -> Path:
    """Write contiguous ``tensors`` (keys ``model.* ema.* optim.*``) and their header; returns the path."""
    path = checkpoint_path(folder, header.step)
    _write_checkpoint(path, tensors, header.metadata())
    return path


def _write_checkpoint(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(tensors, temporary, metadata)
        digest = sha256_of(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)  # until its checksum stands beside it, readers pass it over
        write_bytes(path.with_suffix(".sha256"), f"{digest}  {path.name}\n".encode())
    finally:
        temporary.unlink(missing_ok=True)
    for old in steps_on_disk(folder)[:-KEPT]:
        checkpoint_path(folder, old).with_suffix(".sha256").unlink(missing_ok=True)
        checkpoint_path(folder, old).unlink(missing_ok=True)


def save_checkpoint(folder: Path, state: TrainState, header: Header) -> Path:
    """Write the state after ``state.step`` steps and wait for it; returns the checkpoint's path."""
    with CheckpointWriter(folder) as writer:
        writer.save(state, header)
    return checkpoint_path(folder, state.step)


def _write(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """safetensors' own writer; what it says of a full disk becomes the OSError that it was."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata=metadata)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
