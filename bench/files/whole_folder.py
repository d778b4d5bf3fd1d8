"""Folders that appear whole or not at all: filled under a temporary name beside their place, then renamed to it."""

from __future__ import annotations

import errno
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from results.store import sync_folder

LEFT_OVER_AFTER_S = 24 * 3600.0  # without a write; a process that still writes is younger
_ATTEMPTS = 3  # at a place where other processes put and take away folders, too


@contextmanager
def whole_folder(folder: Path, *, is_damaged: Callable[[], bool] | None = None, sweep: bool = False) -> Iterator[Path]:
    """A new empty folder to fill, which becomes ``folder`` when the ``with`` block ends; nothing is left if it raises.

    Files in it are for the block to sync; its mode is the umask's. What stands at ``folder`` by then is treated as
    `put_in_place` says. With ``sweep``, what killed processes left beside ``folder`` long ago is removed first: only
    where nobody else keeps files that begin with ``.tmp-``.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    if sweep:
        _sweep(folder.parent)
    temporary = _beside(folder)
    try:
        temporary.mkdir()
        yield temporary
        put_in_place(temporary, folder, is_damaged=is_damaged)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def put_in_place(temporary: Path, folder: Path, *, is_damaged: Callable[[], bool] | None = None) -> None:
    """Rename ``temporary`` to ``folder``, for good even if the power fails then.

    An empty folder there is replaced. Another one is asked about: where ``is_damaged`` says so it is moved aside and
    removed (processes that mapped its files keep them), else it stays and ``temporary`` is left as it is, for another
    process was quicker. Without ``is_damaged`` it raises OSError.
    """
    for _ in range(_ATTEMPTS):
        try:
            temporary.rename(folder)
            break
        except OSError as error:
            if is_damaged is None or error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
        if not is_damaged():
            break
        _remove(folder)
    else:
        temporary.rename(folder)
    sync_folder(folder.parent)


def _remove(folder: Path) -> None:
    """Free the name ``folder`` at once, then remove what bore it."""
    aside = _beside(folder)
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return  # another process was quicker
    shutil.rmtree(aside, ignore_errors=True)


def _beside(folder: Path) -> Path:
    return folder.parent / f".tmp-{folder.name}-{uuid.uuid4().hex[:8]}"


def _sweep(parent: Path) -> None:
    """Remove what a killed process left behind long ago."""
    for leftover in parent.glob(".tmp-*"):
        try:
            written = max(path.stat().st_mtime for path in (leftover, *leftover.iterdir()))
            if time.time() - written > LEFT_OVER_AFTER_S:
                shutil.rmtree(leftover, ignore_errors=True)
        except OSError:
            continue
