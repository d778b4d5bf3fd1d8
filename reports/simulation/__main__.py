"""Coverage of the intervals, false verdicts and the seeds that verdicts take, on simulated grids with known effects."""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Sequence

from reports.simulation.noise import SPREADS
from reports.simulation.rates import Rate
from reports.simulation.tables import tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables of docs/statistics.md in Markdown, with their Monte-Carlo error."""
    parser = argparse.ArgumentParser(prog="python -m reports.simulation", description=__doc__)
    parser.add_argument("--grids", type=int, default=20_000, help="grids a rate (default 20000)")
    parser.add_argument("--spreads", nargs="+", choices=list(SPREADS), default=list(SPREADS), help="kinds of noise")
    chosen = parser.parse_args(arguments)
    if chosen.grids < 100:
        parser.error(f"--grids: expected a whole number from 100, got {chosen.grids}")
    error = 100 * Rate(hits=chosen.grids // 20, trials=chosen.grids).error
    print(f"{chosen.grids:,} grids a rate: Monte-Carlo standard error {error:.2f} points at 5 or 95%; {_versions()}")
    start = time.process_time()
    for table in tables(chosen.spreads, chosen.grids):
        print()
        for line in table():
            print(line, flush=True)
    print(f"\n{time.process_time() - start:.0f} s of a core")
    return 0


def _versions() -> str:
    import numpy
    import scipy

    return f"Python {platform.python_version()}, numpy {numpy.__version__}, scipy {scipy.__version__}"


if __name__ == "__main__":
    raise SystemExit(main())
