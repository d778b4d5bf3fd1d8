"""Pictures of a report beside its plots of scores: their files, a text for who cannot see them, what they show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.analysis import cka
from reports.pictures import cka_maps, neighbours
from reports.pictures.samples import SamplesPicture, arms_picture, steps_picture
from reports.text import plain
from reports.views.find import Findings
from reports.views.grid import GridView

LOOSE = ""  # in place of a grid's name: what belongs to no grid


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPicture:
    """One picture: ``files`` by path under the report's folder (the first a PNG), and lines to stand below it.

    A picture may lack its files, and then its lines stand alone.
    """

    files: dict[str, bytes]
    text: str
    lines: Sequence[str]

    @property
    def path(self) -> str:
        return next(iter(self.files), "")


def gallery(findings: Findings) -> dict[str, list[ShownPicture]]:
    """A report's pictures by the grid's name (``LOOSE``: of none); what lacks its records or files is absent."""
    by_grid = {grid.name: list(_of_grid(grid, findings)) for grid in findings.grids}
    return by_grid | {LOOSE: list(_maps(cka.loose(findings), "cka", "cells of no grid"))}


def _of_grid(grid: GridView, findings: Findings) -> Iterator[ShownPicture]:
    title = f"grid {plain(grid.title)}"
    yield from _samples(arms_picture(grid, findings.folders), f"{grid.name}-arms", f"Samples of the arms of {title}")
    yield from _samples(
        steps_picture(grid, findings.folders), f"{grid.name}-steps", f"Samples of {title} over its training"
    )
    yield from _neighbours(grid, findings, f"Samples of {title} beside their nearest training images")
    yield from _maps(cka.of_grid(grid, findings.cka), f"cka-{grid.name}", f"the arms of {title}")


def _samples(picture: SamplesPicture | None, name: str, text: str) -> Iterator[ShownPicture]:
    if picture is not None:
        yield ShownPicture(files={f"pictures/{name}.png": picture.png}, text=text, lines=picture.lines)


def _neighbours(grid: GridView, findings: Findings, text: str) -> Iterator[ShownPicture]:
    """What every arm's search found, and the sheet of the first that has one."""
    items = neighbours.of_grid(grid, findings.neighbours)
    pngs = (png for item in items if (png := neighbours.drawn(item, findings.folders)))
    png = next(pngs, None)
    if items:
        files = {f"pictures/{grid.name}-neighbours.png": png} if png else {}
        yield ShownPicture(files=files, text=text, lines=neighbours.lines(items))


def _maps(items: Sequence[cka.NamedCka], name: str, whose: str) -> Iterator[ShownPicture]:
    if drawn := cka_maps.draw(items, name):
        files = {f"plots/{file}": content for file, content in drawn.items()}
        yield ShownPicture(files=files, text=f"CKA between the blocks of {whose}", lines=cka_maps.lines(items))
