"""What a running cell is doing: ``DIR/running/<train_id>.json``, rewritten while it runs and removed when it ends.

::

    {schema, train_id, variant, seed, step, steps, batch_size, doing, loss, imgs_per_s,
     first_step, started, updated, host, pid}

``doing`` is text ("training", "sampling 512/1000"); ``loss`` and ``imgs_per_s`` are the last that were told, null
before; ``first_step`` is the step that the process began at (a resumed cell's is not 0); ``started`` and ``updated``
are seconds since 1970 (UTC). A process that was killed leaves its file: ``Heartbeat.alive`` tells by pid on the same
host, by age elsewhere. Only for eyes: nothing reads it back into an experiment, and it is not synced to the disk.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from results.schema import (
    COUNT,
    ID,
    SCHEMA,
    Checks,
    check_fields,
    check_schema,
    construct,
    dumps,
    exact_keys,
    loads,
)

SECONDS = 2.0  # between two writes of one cell
SILENT_SECONDS = 900.0  # after which a process on another host is taken for dead

Event = Mapping[str, Any]
Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The last sign of one running cell. Raises ValueError, naming the field, when a value is not what it should be."""

    schema: int = SCHEMA
    train_id: str
    variant: str
    seed: int
    step: int = 0
    steps: int
    batch_size: int
    doing: str = "starting"
    loss: float | None = None
    imgs_per_s: float | None = None
    first_step: int | None = None
    started: float
    updated: float
    host: str
    pid: int

    def __post_init__(self) -> None:
        check_fields(self, _CHECKS)

    def after(self, event: Event) -> Heartbeat:
        """The heartbeat after an event of the pipeline: ``step`` and ``doing``, or ``loss`` and ``imgs_per_s``."""
        told = {key: event[key] for key in ("step", "loss", "imgs_per_s") if key in event}
        first = event["step"] if self.first_step is None else self.first_step
        return replace(self, **told, doing=event.get("doing", "training"), first_step=first, updated=time.time())

    @property
    def alive(self) -> bool:
        """Whether its process still runs, as far as can be told from here."""
        if self.host != platform.node():
            return time.time() - self.updated < SILENT_SECONDS
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # another user's
            return True
        return True

    @property
    def seconds_a_step(self) -> float | None:
        """Wall time a step since it began, scoring included; None before there is one."""
        done = self.step - (self.first_step if self.first_step is not None else self.step)
        return (self.updated - self.started) / done if done > 0 else None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TEXT = (lambda v: isinstance(v, str), "text")
_MAYBE = (lambda v: v is None or _number(v), "a number or null")
_CHECKS: Checks = {
    "train_id": ID,
    **dict.fromkeys(("variant", "doing", "host"), _TEXT),
    **dict.fromkeys(("seed", "step", "steps", "batch_size", "pid"), COUNT),
    **dict.fromkeys(("loss", "imgs_per_s", "first_step"), _MAYBE),
    **dict.fromkeys(("started", "updated"), (_number, "seconds")),
}


def read_running(root: Path) -> list[Heartbeat]:
    """The heartbeats under ``root``, by train_id. What cannot be read (being replaced, damaged) is left out."""
    found = []
    for path in sorted((root / "running").glob("*.json")):
        with suppress(OSError, ValueError):
            values = loads(path.read_bytes(), where=path.name)
            check_schema(values, where=path.name)
            found.append(construct(Heartbeat, exact_keys(values, Heartbeat, path.name), path.name))
    return found


@contextmanager
def beating(
    root: Path, *, train_id: str, variant: str, seed: int, steps: int, batch_size: int, tell: Tell
) -> Iterator[Tell]:
    """Keep the cell's file while it runs. Yields a ``tell`` that also passes every event on to ``tell``.

    A disk that cannot take the file costs the heartbeat, never the cell.
    """
    now = time.time()
    beat = Heartbeat(
        train_id=train_id, variant=variant, seed=seed, steps=steps, batch_size=batch_size,
        started=now, updated=now, host=platform.node(), pid=os.getpid(),
    )  # fmt: skip
    path, written = root / "running" / f"{train_id}.json", 0.0

    def told(event: dict[str, Any]) -> None:
        nonlocal beat, written
        beat = beat.after(event)
        if time.monotonic() - written >= SECONDS:
            written = time.monotonic()
            _write(path, beat)
        tell(event)

    _write(path, beat)
    try:
        yield told
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
            path.parent.rmdir()  # where it was the last


def _write(path: Path, beat: Heartbeat) -> None:
    """Whole or not at all, but not synced: after a crash of the machine nobody asks for it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(dumps(asdict(beat)))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
