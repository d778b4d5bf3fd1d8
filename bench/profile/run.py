"""One piece of profiling work, in this process or in a fresh one: jobs in, records out."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing import get_context
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
class Job:
    """Subjects that take turns in one setting. ``auto`` searches the batch size, subject by subject."""

    subjects: tuple[Subject, ...]
    setting: Setting
    protocol: Protocol = field(default_factory=Protocol)
    auto: bool = False
    measure_peak: bool = False
    plugins: tuple[Path, ...] = ()


def run_job(job: Job, world: World | None = None) -> list[ProfileRecord]:
    """The records of a job, measured in this process."""
    if job.setting.mode == "count":
        return [bare_record(subject, COUNT) for subject in job.subjects]
    job.setting.runtime.apply()  # the peak is of the same threads and float32 products
    peak = _peak(job.setting.device, job.setting.dtype) if job.measure_peak else None
    if not job.auto:
        return measure(job.subjects, job.setting, protocol=job.protocol, world=world, measured=peak)
    return [record for subject in job.subjects for record in _searched(subject, job, peak)]


def run_fresh(job: Job) -> list[ProfileRecord]:
    """The same with a process of its own for each subject: a clean heap, and a killed process is a row."""
    records: list[ProfileRecord] = []
    for subject in job.subjects:
        alone = replace(job, subjects=(subject,))
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
            try:
                records += pool.submit(_in_fresh_process, alone).result()
            except BrokenProcessPool:
                reason = "the process was killed, as systems do to one that takes too much memory"
                records.append(bare_record(subject, job.setting, status="oom", error=reason))
    return records


def _in_fresh_process(job: Job) -> list[ProfileRecord]:
    for path in job.plugins:
        load_plugin(path)
    return run_job(job)


def _searched(subject: Subject, job: Job, peak: Peak | None) -> list[ProfileRecord]:
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
