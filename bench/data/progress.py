"""A line on stderr now and then while something takes minutes or hours; nothing while it takes seconds."""

from __future__ import annotations

import sys
import time

EVERY_S = 30.0


class Progress:
    """``at(12_000)`` prints ``doing: 12,000 of 1,281,167`` if the last line is `EVERY_S` seconds ago."""

    def __init__(self, doing: str, total: int) -> None:
        self._doing, self._total, self._told = doing, total, time.monotonic()

    def at(self, count: int) -> None:
        """Tell that ``count`` of the total are done, if it is time."""
        if time.monotonic() - self._told >= EVERY_S:
            self._told = time.monotonic()
            print(f"{self._doing}: {count:,} of {self._total:,}", file=sys.stderr, flush=True)
