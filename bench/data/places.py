"""Finding the folder in which somebody laid out a dataset, and saying what was looked for where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def first_with(folders: Sequence[Path], entry: str) -> Path | None:
    """The first of ``folders`` that holds ``entry``, a file or folder."""
    return next((folder for folder in folders if (folder / entry).exists()), None)


def listed(folders: Sequence[Path]) -> str:
    """How messages name the folders that were looked in."""
    return ", ".join(map(str, folders))


def examples(names: Sequence[str], most: int = 2) -> str:
    """``3 (a.jpg, b.jpg, …)``: how many, and the first of them."""
    return f"{len(names):,} ({', '.join(names[:most])}{', …' if len(names) > most else ''})"


def checked_size(dataset: str, size: int, *, most: int) -> int:
    """``size``, or ValueError where images would only be blown up."""
    if size > most:
        raise ValueError(f"dataset {dataset}: image size must be at most {most}, got {size}")
    return size
