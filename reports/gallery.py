"""Pictures of a report beside its plots of scores: their files, a text for who cannot see them, what they show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports import heatmaps
from reports.frame import Findings, GridView
from reports.text import plain

LOOSE = ""  # in place of a grid's name: what belongs to no grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One picture: ``files`` by path under the report's folder (the first a PNG), and lines to stand below it."""

    files: dict[str, bytes]
    text: str
    lines: Sequence[str]

    @property
    def path(self) -> str:
        return next(iter(self.files))


def gallery(findings: Findings) -> dict[str, list[Shown]]:
    """By grid, under ``LOOSE`` what belongs to none; only what its records and files are there for."""
    found = {grid.name: list(_of_grid(grid, findings)) for grid in findings.grids}
    return found | {LOOSE: list(_maps(heatmaps.loose(findings), "cka", "cells of no grid"))}


def _of_grid(grid: GridView, findings: Findings) -> Iterator[Shown]:
    yield from _maps(heatmaps.of_grid(grid, findings.cka), f"cka-{grid.name}", f"the arms of grid {plain(grid.title)}")


def _maps(items: Sequence[heatmaps.Labelled], name: str, whose: str) -> Iterator[Shown]:
    if drawn := heatmaps.draw(items, name):
        files = {f"plots/{file}": content for file, content in drawn.items()}
        yield Shown(files=files, text=f"CKA between the blocks of {whose}", lines=heatmaps.lines(items))
