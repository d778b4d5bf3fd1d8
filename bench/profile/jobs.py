"""One piece of profiling work, in this process or in a fresh one: jobs in, records out."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from bench.profile.measure import bare_record, measure
from bench.profile.peaks import Peak, measured_peak
from bench.profile.search import search_batch
from bench.profile.setting import Setting, Subject
from bench.profile.timing import Protocol
from bench.profile.world import World
from results.profile import ProfileRecord
from variants import load_plugin

COUNT = Setting(mode="count", device="meta")  # parameters and MACs alone: nothing runs, nothing is timed


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileJob:
    """Subjects that take turns in one setting. ``auto`` searches the batch size, subject by subject."""

    subjects: tuple[Subject, ...]
    setting: Setting
    protocol: Protocol = field(default_factory=Protocol)
    auto: bool = False
    measure_peak: bool = False
    plugins: tuple[Path, ...] = ()


def run_job(job: ProfileJob, world: World | None = None) -> list[ProfileRecord]:
    """The records of a job, measured in this process."""
    if job.setting.mode == "count":
        return [bare_record(subject, COUNT) for subject in job.subjects]
    job.setting.runtime.apply()  # the peak is of the same threads and float32 products
    peak = _peak(job.setting.device, job.setting.dtype) if job.measure_peak else None
    if not job.auto:
        return measure(job.subjects, job.setting, protocol=job.protocol, world=world, measured=peak)
    return [record for subject in job.subjects for record in _searched(subject, job, peak)]


def run_fresh(job: ProfileJob) -> list[ProfileRecord]:
    """The same with a process of its own for each subject: a clean heap, and a process that dies is a row."""
    records: list[ProfileRecord] = []
    for subject in job.subjects:
        answer = _in_fresh_process(replace(job, subjects=(subject,)))
        if isinstance(answer, int):
            status, reason = _death(answer)
            records.append(bare_record(subject, job.setting, status=status, error=reason))
        else:
            records += answer
    return records


def _in_fresh_process(job: ProfileJob) -> list[ProfileRecord] | int:
    """The job's records, or the exit code of a process that died before it had them."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(job, theirs))
    process.start()
    theirs.close()  # or a death would be no end of file
    try:
        records: list[ProfileRecord] = ours.recv()
    except EOFError:
        process.join()
        return int(process.exitcode or 0)
    finally:
        ours.close()
    process.join()
    return records


def _answer(job: ProfileJob, pipe: Connection) -> None:
    for path in job.plugins:
        load_plugin(path)
    pipe.send(run_job(job))


def _death(code: int) -> tuple[str, str]:
    """Status and reason of a process that ended with ``code``; a signal's is negative."""
    if code == -signal.SIGKILL:
        return "oom", "the process was killed, as systems do to one that takes too much memory"
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return "error", f"the process crashed ({how}); what it printed says more"


def _searched(subject: Subject, job: ProfileJob, peak: Peak | None) -> list[ProfileRecord]:
    """Careful measurements at the best and the largest batch; the last try where none fitted."""
    search = search_batch(subject, job.setting)
    sizes = sorted({size for size in (search.best, search.largest) if size is not None})
    if not sizes:
        return [replace(search.tried[-1], search=search.summary())]
    found: list[ProfileRecord] = []
    for size in sizes:
        found += measure([subject], replace(job.setting, batch_size=size), protocol=job.protocol, measured=peak)
    return [replace(record, search=search.summary()) for record in found]


@lru_cache
def _peak(device: str, dtype: str) -> Peak:
    return measured_peak(device, dtype)
