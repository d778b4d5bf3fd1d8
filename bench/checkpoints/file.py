"""Checkpoints: one safetensors file a step, written whole or not at all, with a checksum beside it.

``DIR/checkpoints/<train_id>/step-00000200.safetensors`` and ``.sha256``; keys ``model.* ema.* optim.*``; the header
carries variant, dataset card, step, schema and what the cell has logged so far, so that a killed cell goes on with its
scores. The last two are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.checkpoints.header import Header
from bench.files.hashing import sha256_of

if TYPE_CHECKING:
    from torch import Tensor

_NAME = re.compile(r"step-(\d{8,})\.safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint read back: its header and its tensors by key."""

    path: Path
    header: Header
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


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and verify a checkpoint. Raises FileNotFoundError, or ValueError when it is damaged or not one of ours."""
    if not path.is_file():
        raise FileNotFoundError(
            f"no checkpoint at {path}; expected a file such as runs/skip/checkpoints/ID/step-00000200.safetensors"
        )
    recorded = path.with_suffix(".sha256")
    if recorded.is_file() and recorded.read_text().split()[:1] != [sha256_of(path)]:
        raise ValueError(
            f"{path} is damaged: its SHA-256 is not the one in {recorded.name}; train again or use another step"
        )
    return _read(path, tensors=True)


def read_header(path: Path) -> Header:
    """A checkpoint's header, without reading (or verifying) its tensors; errors as `load_checkpoint`."""
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
    return Checkpoint(path=path, header=Header.from_metadata(metadata, where=str(path)), tensors=found)


def latest_checkpoint(
    folder: Path, *, accept: Callable[[Header], bool] = lambda header: True
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
