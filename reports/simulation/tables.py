"""The tables of docs/statistics.md, as lines of Markdown, each made while it is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from reports.analysis.power import detectable, planned_df
from reports.simulation.rates import (
    Rate,
    World,
    false_verdicts,
    mean_half_widths,
    resolution,
    simultaneous_coverage,
    single_coverage,
)
from results.manifest import LOOKS

SEEDS = (2, 3, 4, 6, 12)
ARMS = (1, 2, 4, 8)
PUBLISHED = (6,)  # the one look of a grid that is published

_LOOKED = (1, 4, 8)  # arms of the tables of false verdicts
_MARGINS = (4.0, 2.0, 1.5, 1.0)


def coverage_table(spreads: Sequence[str], grids: int) -> Iterator[str]:
    """Simultaneous coverage by spread, seeds and arms, and that of an arm's own interval."""
    yield "Simultaneous coverage, %, and that of an arm's own interval"
    yield from _head("spread", "seeds", *(f"k = {arms}" for arms in ARMS), "own")
    for spread in spreads:
        for seeds in SEEDS:
            found = [simultaneous_coverage(spread, seeds=seeds, arms=arms, grids=grids) for arms in ARMS]
            yield _line(spread, seeds, *map(_percent, [*found, single_coverage(spread, seeds=seeds, grids=grids)]))


def width_table(grids: int) -> Iterator[str]:
    """Half-widths by seeds and arms, and minimum detectable differences."""
    yield "Simultaneous half-widths in standard deviations of a difference, equal spreads: moderated / each arm's own"
    yield from _head("seeds", *(f"k = {arms}" for arms in ARMS), *(f"detectable, k = {arms}" for arms in ARMS))
    for seeds in SEEDS:
        widths = [mean_half_widths(seeds=seeds, arms=arms, grids=grids) for arms in ARMS]
        seen = [detectable(1 / math.sqrt(seeds), planned_df(seeds, arms), arms) for arms in ARMS]
        yield _line(seeds, *(f"{new:.2f} / {own:.2f}" for new, own in widths), *(f"{each:.2f}" for each in seen))


def false_table(spreads: Sequence[str], grids: int, looks: Sequence[int]) -> Iterator[str]:
    """Grids with a false verdict over all ``looks``, in the two worlds."""
    yield f"Grids with a false verdict, %, looks at {', '.join(map(str, looks))} seeds"
    worlds: tuple[World, World] = ("null", "edge")
    yield from _head("spread", *(f"{world}, k = {arms}" for world in worlds for arms in _LOOKED))
    for spread in spreads:
        found = [
            false_verdicts(spread, world, arms=arms, grids=grids, looks=looks) for world in worlds for arms in _LOOKED
        ]
        yield _line(spread, *map(_percent, found))


def resolution_table(grids: int) -> Iterator[str]:
    """How soon a verdict comes, and in how many cases at all, with four arms of equal spread."""
    yield f"Mean seeds until an arm stops / resolved %, looks at {', '.join(map(str, LOOKS))} seeds, k = 4"
    yield from _head("margin / SD of a difference", "no effect", "half the margin", "the margin", "twice the margin")
    for margin in _MARGINS:
        found = [resolution(share * margin, margin, arms=4, grids=grids) for share in (0.0, 0.5, 1.0, 2.0)]
        yield _line(f"{margin:g}", *(f"{each.seeds:.1f} / {100 * each.resolved:.0f}" for each in found))


def tables(spreads: Sequence[str], grids: int) -> list[Callable[[], Iterator[str]]]:
    """All tables, none of them begun."""
    return [
        lambda: coverage_table(spreads, grids),
        lambda: width_table(grids),
        lambda: false_table(spreads, grids, PUBLISHED),
        lambda: false_table(spreads, grids, LOOKS),
        lambda: resolution_table(grids),
    ]


def _percent(rate: Rate) -> str:
    return f"{100 * rate.value:.1f}"


def _head(*headings: str) -> Iterator[str]:
    yield ""
    yield _line(*headings)
    yield _line("---", *["--:"] * (len(headings) - 1))


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"
