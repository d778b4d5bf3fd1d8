"""Which trained cells a user means: checkpoints by path, or arms of a run's output folder."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.checkpoints.file import steps_on_disk
from results.manifest import Manifest
from results.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCheckpoint:
    """A cell's checkpoint file or folder, and the output folder that it lies in, where it lies in one."""

    checkpoint: Path
    root: Path | None


def find_cells(targets: Sequence[Path], *, arms: Sequence[str] = (), seed: int = 0) -> list[CellCheckpoint]:
    """The cells of ``targets`` in order, each once: an output folder of `uvit run` stands for its arms of one seed.

    ``arms`` chooses among those; without it all are taken that have a checkpoint. Raises ValueError for a target that
    is neither, for an arm that no output folder has, and where nothing is left.
    """
    if not targets:
        raise ValueError("expected a checkpoint, a folder of checkpoints or an output folder of `uvit run`; got none")
    cells, known = dict[Path, CellCheckpoint](), list[str]()
    for target in targets:
        for name, cell in _cells(target, arms, seed):
            known.append(name)
            cells.setdefault(cell.checkpoint.resolve(), cell)
    for arm in arms:
        if arm not in known:
            raise ValueError(_no_such_arm(arm, targets, seed))
    return list(cells.values())


def names(text: str) -> list[str]:
    """The names in ``text``, separated by commas."""
    return [name for part in text.split(",") if (name := part.strip())]


def _cells(target: Path, arms: Sequence[str], seed: int) -> Iterator[tuple[str, CellCheckpoint]]:
    if target.is_file() or steps_on_disk(target):
        folder = target if target.is_dir() else target.parent
        root = folder.parents[1] if folder.parent.name == "checkpoints" else None
        yield "", CellCheckpoint(checkpoint=target, root=root)
        return
    grids = Store(target).grids() if target.is_dir() else {}
    if not grids:
        raise ValueError(
            f"{target}: expected a checkpoint, a folder of checkpoints or an output folder of `uvit run`; found none"
        )
    cells = list(_arms(target, grids, seed))
    if not cells:
        raise ValueError(f"{target}: no arm of seed {seed} has a checkpoint; give another --seed, or train it first")
    yield from (pair for pair in cells if not arms or pair[0] in arms)


def _arms(root: Path, grids: Mapping[str, Manifest], seed: int) -> Iterator[tuple[str, CellCheckpoint]]:
    """(Arm, cell) of every cell of ``seed`` that has a checkpoint."""
    for manifest in grids.values():
        for arm in manifest.arms:
            for cell in arm.cells:
                folder = root / "checkpoints" / cell.train_id
                if cell.seed == seed and steps_on_disk(folder):
                    yield arm.arm, CellCheckpoint(checkpoint=folder, root=root)


def _no_such_arm(arm: str, targets: Sequence[Path], seed: int) -> str:
    manifests = [manifest for target in targets if target.is_dir() for manifest in Store(target).grids().values()]
    names = list(dict.fromkeys(each.arm for manifest in manifests for each in manifest.arms))
    if arm in names:
        return f"--arms: arm {arm!r} has no checkpoint of seed {seed}; give another --seed, or train it first"
    near = difflib.get_close_matches(arm, names, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"--arms: no arm {arm!r}; {hint}known: {', '.join(names) or 'none, a checkpoint has no arms'}"
