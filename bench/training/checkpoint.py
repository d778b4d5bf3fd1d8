"""Checkpoints: one safetensors file a step, written whole or not at all, with a checksum beside it.

``DIR/checkpoints/<train_id>/step-00000200.safetensors`` and ``.sha256``; keys ``model.* ema.* optim.*``; the header
carries variant, dataset card, step, schema and what the cell has logged so far, so that a killed cell goes on with its
scores. The last two are kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from results.store import write_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from bench.training.step import TrainState

log = logging.getLogger("uvit")

CHECKPOINT_SCHEMA = 1
KEPT = 2
_ABANDONED_S = 3_600.0
_NAME = re.compile(r"step-(\d{8,})\.safetensors")
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint read back: its header and its tensors by key."""

    path: Path
    header: dict[str, Any]
    tensors: dict[str, Tensor]

    def weights(self, which: str) -> dict[str, Tensor]:
        """The state dict of ``raw`` or ``ema`` weights."""
        prefix = {"raw": "model.", "ema": "ema."}[which]
        return {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}


def checkpoint_path(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}.safetensors"


def steps_on_disk(folder: Path) -> list[int]:
    """Steps that have a checkpoint in ``folder``, ascending."""
    if not folder.is_dir():
        return []
    return sorted(int(match[1]) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name)))


def newest_checkpoint(path: Path) -> Path:
    """``path``, or its newest checkpoint where it is a folder; FileNotFoundError where it holds none."""
    if not path.is_dir():
        return path
    steps = steps_on_disk(path)
    if not steps:
        raise FileNotFoundError(f"no checkpoint in {path}; expected files such as step-00000200.safetensors")
    return checkpoint_path(path, steps[-1])


def is_checkpoint(text: str | Path) -> bool:
    """Whether ``text`` names a checkpoint: a .safetensors file, or a folder that holds one at a step."""
    path = Path(text)
    return path.suffix == ".safetensors" or bool(steps_on_disk(path))


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
        self._under_way = self._thread.submit(self._allocate, _after_a_step(state))

    def save(self, state: TrainState, header: Mapping[str, Any]) -> None:
        """Write the state after ``state.step`` steps, then drop all but the last two checkpoints."""
        self.wait()
        tensors = state_tensors(state)
        self._allocate(tensors)
        for key, tensor in tensors.items():
            self._snapshot[key].copy_(tensor)
        metadata = _metadata(state.step, header)
        path = checkpoint_path(self.folder, state.step)
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


def _after_a_step(state: TrainState) -> dict[str, Tensor]:
    """`state_tensors` as it will be once the optimiser has its moments; for shapes only."""
    moments = {f"optim.{key}.{name}": p.detach() for name, p in state.model.named_parameters() for key in _MOMENTS}
    return moments | state_tensors(state)


def write_checkpoint(folder: Path, step: int, tensors: dict[str, Tensor], header: Mapping[str, Any]) -> Path:
    """Write contiguous ``tensors`` (keys ``model.* ema.* optim.*``) and their header; returns the path."""
    path = checkpoint_path(folder, step)
    _write_checkpoint(path, tensors, _metadata(step, header))
    return path


def _metadata(step: int, header: Mapping[str, Any]) -> dict[str, str]:
    return {"schema": str(CHECKPOINT_SCHEMA), "step": str(step), "header": json.dumps(header)}


def _write_checkpoint(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(tensors, temporary, metadata)
        digest = sha256(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)  # until its checksum stands beside it, readers pass it over
        write_bytes(path.with_suffix(".sha256"), f"{digest}  {path.name}\n".encode())
    finally:
        temporary.unlink(missing_ok=True)
    for old in steps_on_disk(folder)[:-KEPT]:
        checkpoint_path(folder, old).with_suffix(".sha256").unlink(missing_ok=True)
        checkpoint_path(folder, old).unlink(missing_ok=True)


def save_checkpoint(folder: Path, state: TrainState, header: Mapping[str, Any]) -> Path:
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


def state_tensors(state: TrainState) -> dict[str, Tensor]:
    """Everything that the next step depends on, by key, where it is; optimiser state only once there is some."""
    tensors: dict[str, Tensor] = {f"model.{name}": p for name, p in state.model.named_parameters()}
    tensors |= {f"ema.{name}": average for name, average in state.ema.averages.items()}
    for name, parameter in state.model.named_parameters():
        moments = state.optimizer.state.get(parameter, {})
        tensors |= {f"optim.{key}.{name}": moments[key] for key in _MOMENTS if key in moments}
        if "step" in moments:
            tensors[f"optim.step.{name}"] = moments["step"]
    return {key: value.detach() for key, value in tensors.items()}


def restore(state: TrainState, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's tensors back, so that the next step is bit for bit the one that would have followed."""
    import torch

    tensors = checkpoint.tensors
    state.step = int(checkpoint.header["step"])
    with torch.no_grad():
        for name, parameter in state.model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
            state.ema.averages[name].copy_(tensors[f"ema.{name}"])
            if f"optim.step.{name}" in tensors:
                moments = {key: tensors[f"optim.{key}.{name}"].to(parameter.device) for key in _MOMENTS}
                state.optimizer.state[parameter] = {
                    "step": _optimizer_step(state, tensors[f"optim.step.{name}"]),
                    **moments,
                }


def _optimizer_step(state: TrainState, step: Tensor) -> Tensor:
    """AdamW keeps its step counter on the parameter's device when it is fused on an accelerator, else on the CPU."""
    fused = bool(state.optimizer.defaults["fused"])
    return step.to(state.runtime.device) if fused else step


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and verify a checkpoint. Raises FileNotFoundError, or ValueError when it is damaged or not one of ours."""
    if not path.is_file():
        raise FileNotFoundError(
            f"no checkpoint at {path}; expected a file such as runs/skip/checkpoints/ID/step-00000200.safetensors"
        )
    recorded = path.with_suffix(".sha256")
    if recorded.is_file() and recorded.read_text().split()[:1] != [sha256(path)]:
        raise ValueError(
            f"{path} is damaged: its SHA-256 is not the one in {recorded.name}; train again or use another step"
        )
    return _read(path, tensors=True)


def read_header(path: Path) -> dict[str, Any]:
    """A checkpoint's header with its step, without reading (or verifying) its tensors; errors as `load_checkpoint`."""
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    return _read(path, tensors=False).header


def _read(path: Path, *, tensors: bool) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            keys = file.keys() if tensors else ()
            found = {key: file.get_tensor(key) for key in keys}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is not a readable safetensors file: {error}") from None
    if "header" not in metadata or "step" not in metadata:
        raise ValueError(
            f"{path} is a safetensors file, but not a checkpoint of uvit: its header names no variant and step"
        )
    if int(metadata["schema"]) > CHECKPOINT_SCHEMA:
        raise ValueError(
            f"{path} has schema {metadata['schema']}, newer than {CHECKPOINT_SCHEMA}; upgrade uvit-ablations"
        )
    return Checkpoint(
        path=path, header={**json.loads(metadata["header"]), "step": int(metadata["step"])}, tensors=found
    )


def latest_checkpoint(
    folder: Path, *, accept: Callable[[dict[str, Any]], bool] = lambda header: True
) -> tuple[Checkpoint | None, list[str]]:
    """The newest whole checkpoint whose header ``accept`` takes, and a line for each damaged one passed over."""
    problems: list[str] = []
    for step in reversed(steps_on_disk(folder)):
        path = checkpoint_path(folder, step)
        if not path.with_suffix(".sha256").is_file():
            problems.append(f"{path} has no checksum beside it (cut off while written?); passed over")
            continue
        try:
            checkpoint = load_checkpoint(path)
        except ValueError as error:
            problems.append(str(error))
            continue
        if accept(checkpoint.header):
            return checkpoint, problems
    return None, problems


def sha256(path: Path) -> str:
    """SHA-256 of a file, hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
