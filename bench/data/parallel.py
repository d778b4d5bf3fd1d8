"""The same function over many files on all cores, in order, with few results in memory at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD = 8  # results waiting per thread: enough that a slow file stops nobody


def in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """``map`` on threads (hashing, inflating and decoding JPEG let go of the GIL); raises what ``function`` raises."""
    threads = _cores()
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        rest = iter(items)
        waiting: deque[Future[Result]] = deque(pool.submit(function, item) for item in islice(rest, threads * _AHEAD))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(function, item) for item in islice(rest, 1))
        finally:
            for future in waiting:
                future.cancel()


def _cores() -> int:
    """Those that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
