"""From findings to the text of ``index.html``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.content import notes
from reports.content.profiles import parts_table, profile_table, remarks
from reports.formats.latex import arm_tabular
from reports.page import assets
from reports.page.answers import answer
from reports.page.cards import Cards
from reports.page.pictures import large_pictures
from reports.page.pictures import pictures as sample_pictures
from reports.page.plotted import plotted
from reports.page.views import Picture, TableView, grid_page, table_view
from reports.pictures.gallery import Shown
from reports.text import plain
from reports.views.find import Findings


def document(
    findings: Findings,
    *,
    latex: Mapping[str, str] | None = None,
    pictures: Mapping[str, Sequence[Picture]] | None = None,
    shown: Mapping[str, Sequence[Shown]] | None = None,
) -> str:
    """The whole page. ``latex`` and ``pictures`` are by grid name and may lack any; by default the report's own.

    ``shown`` are the report's larger pictures by grid name, which take seconds to draw; by default none.
    """
    if latex is None:
        latex = _latex(findings)
    if pictures is None:
        pictures = sample_pictures(findings)
    large = large_pictures(shown or {}, beside=pictures)
    cards = Cards()
    grids, plots = [], {}
    for grid in findings.grids:
        found = answer(grid)
        grids.append(
            grid_page(
                grid,
                found,
                cards,
                latex=latex.get(grid.name, ""),
                pictures=pictures.get(grid.name, ()),
                large=large.get(grid.name, ()),
            )
        )
        plots[grid.name] = plotted(grid, found)
    return assets.environment().get_template("page.html").render(
        policy=assets.policy(),
        style=assets.markup(assets.style()),
        script=assets.markup(assets.script()),
        data=assets.embed({"grids": plots, "numbers": cards.numbers, "facts": cards.facts}),
        grids=grids,
        problems=[plain(problem, limit=500) for problem in findings.problems],
        loose=[plain(line, limit=500) for line in notes.loose_cells(findings.loose)],
        profiles=_profiles(findings),
        profile_remarks=[plain(line, limit=500) for line in remarks(findings.profiles)] if findings.profiles else [],
    )  # fmt: skip


def _latex(findings: Findings) -> dict[str, str]:
    """Each grid's table for a paper."""
    return {grid.name: arm_tabular(grid) for grid in findings.grids}


def _profiles(findings: Findings) -> list[TableView]:
    if not findings.profiles:
        return []
    return [
        table_view(profile_table(findings.profiles), name="profiles", title="What variants cost"),
        table_view(parts_table(findings.profiles), name="profile-parts", title="Shares of each part"),
    ]
