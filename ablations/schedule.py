"""Which seeds a grid is planned to run, in which order, and at how many of them its arms are judged.

The plan of an output folder is kept once something was judged by it: seeds that are added to a plan that was looked at
are exploratory (docs/statistics.md). Before that a new request replaces it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from results.manifest import Manifest, ManifestArm
from results.store import Store

LEAST = 2  # seeds with which anything can be judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Planned ``seeds``, in the order of the looks, and ``looks``, rising numbers of them."""

    seeds: tuple[int, ...]
    looks: tuple[int, ...]

    @classmethod
    def of(cls, *, first: int, looks: Sequence[int]) -> Self:
        """Seeds from ``first`` on, as many as the last look takes."""
        return cls(seeds=tuple(range(first, first + looks[-1])), looks=tuple(looks))

    @classmethod
    def of_manifest(cls, manifest: Manifest) -> Self:
        """The plan in a manifest; one of before there were plans is one look at all of its seeds."""
        listed = dict.fromkeys(cell.seed for arm in manifest.arms for cell in arm.cells)
        seeds = manifest.seeds or tuple(sorted(listed))
        return cls(seeds=seeds, looks=manifest.looks or ((len(seeds),) if seeds else ()))

    @property
    def judged(self) -> tuple[int, ...]:
        """The seeds that enter verdicts; further ones are exploratory."""
        return self.seeds[: self.looks[-1]]

    def with_seeds(self, more: Collection[int]) -> Self:
        """The same looks; seeds that are not planned yet behind the others."""
        new = tuple(seed for seed in more if seed not in self.seeds)
        return type(self)(seeds=self.seeds + new, looks=self.looks)

    def text(self) -> str:
        """``seeds 100 to 111, looks at 3, 6 and 12 seeds``."""
        first, last = self.seeds[0], self.seeds[-1]
        span = f"seed {first}" if len(self.seeds) == 1 else f"seeds {', '.join(map(str, self.seeds))}"
        if len(self.seeds) > 1 and self.seeds == tuple(range(first, last + 1)):
            span = f"seeds {first} to {last}"
        return f"{span}, {looks_text(self.looks)}"


def looks_text(looks: Sequence[int]) -> str:
    """``one look at 6 seeds``, ``looks at 3, 6 and 12 seeds``."""
    if len(looks) == 1:
        return f"one look at {looks[0]} {'seed' if looks[0] == 1 else 'seeds'}"
    return f"looks at {', '.join(map(str, looks[:-1]))} and {looks[-1]} seeds"


def was_looked_at(manifest: Manifest, store: Store) -> bool:
    """Whether the first look is complete: every arm has a record, of failure or not, of each of its seeds.

    One seed shows no effect, so that a look at one is none.
    """
    schedule = Schedule.of_manifest(manifest)
    if not schedule.looks or schedule.looks[0] < LEAST:
        return False
    first = schedule.seeds[: schedule.looks[0]]
    return all(_has_all(arm, first, store) for arm in manifest.arms)


def _has_all(arm: ManifestArm, seeds: Collection[int], store: Store) -> bool:
    cells = {cell.seed: cell.train_id for cell in arm.cells}
    return all(seed in cells and store.read(cells[seed]) is not None for seed in seeds)


def trains_the_same(members: Mapping[str, Sequence[tuple[int, str]]], manifest: Manifest) -> bool:
    """Whether arms of one name have one training at every seed that both list, and there is such an arm."""
    shared = [(dict(members[arm.arm]), arm) for arm in manifest.arms if arm.arm in members]
    return bool(shared) and all(
        own.get(cell.seed, cell.train_id) == cell.train_id for own, arm in shared for cell in arm.cells
    )
