"""``--batch-sizes auto``: the largest batch that fits on the device, and the one with the most images a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from bench.profile.measure import measure
from bench.profile.memory import available_bytes
from bench.profile.setting import Setting, Subject
from bench.profile.timing import Protocol
from results.profile import ProfileRecord

LARGEST = 4096  # where the search ends if nothing else ends it
SLOWEST_S = 10.0  # a batch whose call takes longer is the last: larger ones only cost patience
SHARE = 0.8  # of the memory that is free; a CPU's allocator promises more than there is, and the system kills


@dataclass(slots=True, kw_only=True)
class Search:
    """What was tried; ``stopped_by`` is memory, time or limit. Only after memory does nothing larger fit."""

    tried: list[ProfileRecord] = field(default_factory=list)
    stopped_by: str = "limit"

    @property
    def fitting(self) -> list[ProfileRecord]:
        return [record for record in self.tried if record.ok]

    @property
    def largest(self) -> int | None:
        """The largest batch that was measured to the end."""
        return max((record.batch_size for record in self.fitting), default=None)

    @property
    def best(self) -> int | None:
        """The batch with the most images a second."""
        found = max(self.fitting, key=lambda record: record.timing["imgs_per_s"], default=None)
        return found.batch_size if found else None

    def summary(self) -> dict[str, Any]:
        """JSON-able: the answer and every try."""
        tried = [
            {"batch_size": r.batch_size, "status": r.status, "imgs_per_s": r.timing.get("imgs_per_s")}
            for r in self.tried
        ]
        return {"largest": self.largest, "best": self.best, "stopped_by": self.stopped_by, "tried": tried}


def search_batch(subject: Subject, setting: Setting, *, largest: int = LARGEST, slowest_s: float = SLOWEST_S) -> Search:
    """Double the batch from 1 until memory, patience or ``largest`` ends it; then close in on what just fits.

    An error other than out of memory ends the search as well; ``tried`` has its record.
    """
    search = Search()
    for batch_size in _doubling(largest):
        if search.tried and _would_not_fit(search.tried[-1], batch_size, setting.device):
            search.stopped_by = "memory"
            break
        record = _try(search, subject, setting, batch_size)
        if not record.ok:
            if record.status == "oom":
                _close_in(search, subject, setting, batch_size)
            search.stopped_by = "memory" if record.status == "oom" else "error"
            break
        if record.timing["median_s"] > slowest_s:
            search.stopped_by = "time"
            break
    return search


def _doubling(largest: int) -> Iterator[int]:
    batch_size = 1
    while batch_size <= largest:
        yield batch_size
        batch_size *= 2


def _close_in(search: Search, subject: Subject, setting: Setting, too_large: int) -> None:
    """Halve the gap between what fitted and what did not, down to an eighth of the batch."""
    fits = search.largest or 0
    while fits and too_large - fits > max(1, fits // 8):
        middle = (fits + too_large) // 2
        if _try(search, subject, setting, middle).ok:
            fits = middle
        else:
            too_large = middle


def _try(search: Search, subject: Subject, setting: Setting, batch_size: int) -> ProfileRecord:
    quick = Protocol(rounds=3, round_s=0.05, warmup_calls=3)
    [record] = measure([subject], replace(setting, batch_size=batch_size), protocol=quick)
    search.tried.append(record)
    return record


def _would_not_fit(last: ProfileRecord, batch_size: int, device: str) -> bool:
    """On a CPU: whether the next batch, in proportion to the last, would take most of the free memory."""
    free = available_bytes(device)
    if device.startswith("cuda") or free is None:
        return False
    held = (last.memory.get("state") or 0) + (last.memory.get("activations") or 0)
    grown = max(last.memory.get("peak_rss_growth") or 0, held)
    return grown * batch_size / last.batch_size > SHARE * free
