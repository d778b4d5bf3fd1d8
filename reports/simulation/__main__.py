"""Coverage of the intervals and rates of false verdicts, on simulated grids with known effects."""

from __future__ import annotations

import argparse
import itertools
import os
import platform
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from reports.simulation.planted import SPREADS, SimulationPlan, World
from reports.simulation.rates import Rate, Rates, measure, pooled

HEADINGS = (
    *("spread", "seeds", "arms", "simultaneous coverage %", "coverage of an arm's own interval %"),
    *("false better or worse %", "false equivalent %", "effects seen %"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row a setting, as a Markdown table, with Monte-Carlo standard errors."""
    parser = argparse.ArgumentParser(prog="python -m reports.simulation", description=__doc__)
    parser.add_argument("--grids", type=int, default=2000, help="grids of each world a setting (default 2000)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 5, 10], help="seeds an arm")
    parser.add_argument("--arms", type=int, nargs="+", default=[1, 4, 8], help="arms beside the baseline")
    parser.add_argument("--spreads", nargs="+", choices=list(SPREADS), default=list(SPREADS), help="kinds of noise")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)")
    chosen = parser.parse_args(arguments)
    for name, low in (("grids", 100), ("jobs", 1), ("seeds", 2), ("arms", 1)):
        values = getattr(chosen, name)
        if min(values if isinstance(values, list) else [values]) < low:
            parser.error(f"--{name}: expected whole numbers from {low}, got {values}")
    worlds: tuple[World, World] = ("null", "edge")
    plans = [
        SimulationPlan(seeds=seeds, arms=arms, spread=spread, world=world)
        for spread, seeds, arms, world in itertools.product(chosen.spreads, chosen.seeds, chosen.arms, worlds)
    ]
    print(f"{chosen.grids:,} grids without any effect and as many with effects of the margin a row; {_versions()}\n")
    for heading in (HEADINGS, ["---", *["--:"] * (len(HEADINGS) - 1)]):
        print(_line(heading))
    if chosen.jobs == 1:
        _show(measure(plan, grids=chosen.grids) for plan in plans)
    else:
        with ProcessPoolExecutor(chosen.jobs) as pool:
            _show(pool.map(partial(measure, grids=chosen.grids), plans))
    return 0


def _show(rates: Iterable[Rates]) -> None:
    pairs = iter(rates)
    for null, edge in zip(pairs, pairs, strict=True):
        print(_line(row(null, edge)), flush=True)


def row(null: Rates, edge: Rates) -> list[str]:
    """One line of the table, from the two worlds of a setting: coverage of both together."""
    plan = null.plan
    shown = [
        pooled(null.simultaneous, edge.simultaneous),
        pooled(null.single, edge.single),
        null.false["any"],
        edge.false["any"],
        edge.seen,
    ]
    return [plan.spread, str(plan.seeds), str(plan.arms), *map(_text, shown)]


def _text(rate: Rate) -> str:
    return f"{100 * rate.value:.1f} ± {100 * rate.error:.1f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _versions() -> str:
    import numpy
    import scipy

    return f"Python {platform.python_version()}, numpy {numpy.__version__}, scipy {scipy.__version__}"


if __name__ == "__main__":
    raise SystemExit(main())
