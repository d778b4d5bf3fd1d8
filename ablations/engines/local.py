"""The local engine: worker processes on this machine, one cell each at a time, nothing to start.

Workers live as long as the grid, so that a cell after the first starts at once and shares what the process has loaded.
A worker that dies (the kernel's out-of-memory killer, a crash in native code) costs its cell only.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from ablations.engines import ENGINES
from ablations.engines.job import Job, Lost, MayStart, Tell, always, run_job
from results.record import Record

_EVENT_SECONDS = 0.25  # at most four progress events a second and worker
_ENDING_SECONDS = 60.0  # for one that was told to end in the middle of a checkpoint
_GOODBYE_SECONDS = 5.0  # for a worker with nothing left to do to end by itself (a compiler's helpers, open files)


@dataclass(slots=True, kw_only=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    device: str
    job: Job | None = None


class LocalEngine:
    """``workers`` processes side by side; on several GPUs each worker has its own. One worker runs in this process."""

    def __init__(self, *, workers: int, devices: Sequence[str]) -> None:
        self.workers, self.devices = workers, list(devices)

    def run(
        self, jobs: Sequence[Job], *, tell: Tell, may_start: MayStart = always
    ) -> Iterator[tuple[int, Record | Lost]]:
        """Yield each job's record as it ends; ``tell`` gets the events of running cells. Raises workers' OSError."""
        if self.workers == 1:
            for job in jobs:
                if not may_start():
                    return
                yield job.index, run_job(_on(job, self.devices[0]), tell)
            return
        # numpy and scipy read it when they load; torch's own limit does not reach their threads
        os.environ.setdefault("OMP_NUM_THREADS", str(jobs[0].run.place.runtime.threads) if jobs else "1")
        waiting, busy = list(reversed(jobs)), [self._start(i) for i in range(min(self.workers, len(jobs)))]
        patience = 0.0
        try:
            while waiting or any(worker.job for worker in busy):
                if waiting and not may_start():
                    waiting.clear()
                    continue
                for worker in busy:
                    if worker.job is None and waiting:
                        _hand(worker, waiting.pop())
                for pipe in wait([worker.pipe for worker in busy if worker.job]):
                    worker = next(w for w in busy if w.pipe is pipe)
                    ended = _listen(worker, tell)
                    if ended is not None:
                        yield ended
                    if not worker.process.is_alive() and worker.job is None and waiting:
                        busy[busy.index(worker)] = self._start(self.devices.index(worker.device))
            patience = _GOODBYE_SECONDS
        finally:
            for worker in busy:
                worker.pipe.close()
            for worker in busy:
                worker.process.join(patience)
                worker.process.terminate()
            for worker in busy:
                worker.process.join(_ENDING_SECONDS)
                worker.process.kill()
                worker.process.join()

    def _start(self, number: int) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True, name=f"uvit-{number}")
        process.start()
        theirs.close()
        return _Worker(process=process, pipe=ours, device=self.devices[number % len(self.devices)])


ENGINES.register("local", LocalEngine)


def _on(job: Job, device: str) -> Job:
    place = job.run.place
    here = replace(place, runtime=replace(place.runtime, device=device))
    return replace(job, run=replace(job.run, place=here))


def _hand(worker: _Worker, job: Job) -> None:
    worker.job = job
    with suppress(OSError):  # it died between two cells: reading its pipe will say so
        worker.pipe.send(_on(job, worker.device))


def _listen(worker: _Worker, tell: Tell) -> tuple[int, Record | Lost] | None:
    """Take one message from a worker; its record or loss when its cell has ended."""
    job = worker.job
    assert job is not None
    try:
        kind, content = worker.pipe.recv()
    except (EOFError, ConnectionError):
        worker.job = None
        worker.process.join()
        return job.index, Lost(index=job.index, reason=_cause(worker.process.exitcode))
    if kind == "event":
        tell(job.index, content)
        return None
    worker.job = None
    if kind == "oserror":
        raise OSError(*content)
    return job.index, content if kind == "record" else Lost(index=job.index, reason=content)


def _cause(exitcode: int | None) -> str:
    if exitcode == -signal.SIGKILL:
        return "its process was killed (signal 9), most likely by the system for lack of memory; try fewer --jobs"
    if exitcode is not None and exitcode < 0:
        return f"its process was ended by signal {-exitcode} ({signal.Signals(-exitcode).name})"
    return f"its process ended with exit code {exitcode}"


def _work(pipe: Connection) -> None:
    """A worker's process: the parent's Ctrl-C is the parent's to handle.

    Told to end, it unwinds like any exit, so that a checkpoint that is being written is finished or removed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        _serve(pipe)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is ending


def _serve(pipe: Connection) -> None:
    """A worker's life: take a job, run it, send its record."""
    last = 0.0

    def tell(index: int, event: dict[str, Any]) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVENT_SECONDS:
            last = time.monotonic()
            pipe.send(("event", event))

    while True:
        try:
            job = pipe.recv()
        except (EOFError, ConnectionError):  # nothing more to do, or nobody left to do it for
            return
        try:
            message: tuple[str, Any] = ("record", run_job(job, tell))
        except OSError as error:
            message = ("oserror", (error.errno, error.strerror or str(error), error.filename))
        except Exception as error:
            message = ("lost", f"{type(error).__name__}: {error}")
        try:
            pipe.send(message)
        except ConnectionError:  # the command has ended; whoever asked is not there to be told
            return
