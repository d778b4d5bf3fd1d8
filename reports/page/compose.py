"""From the reports of all grids to the text of ``index.html``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.content import notes
from reports.content.grid_report import GridReports, compose
from reports.content.profiles import parts_table, profile_remarks, profile_table
from reports.formats.latex import arm_tabular
from reports.page import assets
from reports.page.answers import answer
from reports.page.cards import Cards
from reports.page.grid_page import GridPage, grid_page
from reports.page.inline_pictures import InlinePicture, large_pictures
from reports.page.inline_pictures import pictures as sample_pictures
from reports.page.plotted import Json, plotted
from reports.page.table_views import TableView, table_view
from reports.pictures.gallery import ShownPicture
from reports.text import plain
from reports.views.find import Findings


def document(
    found: Findings | GridReports,
    *,
    latex: Mapping[str, str] | None = None,
    pictures: Mapping[str, Sequence[InlinePicture]] | None = None,
    shown: Mapping[str, Sequence[ShownPicture]] | None = None,
) -> str:
    """The whole page. ``latex`` and ``pictures`` are by grid name and may lack any; by default the report's own.

    ``shown`` are the report's larger pictures by grid name, which take seconds to draw; by default none.
    """
    reports = compose(found)
    findings = reports.findings
    if latex is None:
        latex = {grid.grid.name: arm_tabular(grid) for grid in reports.grids}
    if pictures is None:
        pictures = sample_pictures(findings)
    cards, large = Cards(), large_pictures(shown or {}, beside=pictures)
    pages: list[GridPage] = []
    plots: dict[str, Json] = {}
    for grid in reports.grids:
        name, answered = grid.grid.name, answer(grid)
        pages.append(
            grid_page(
                grid,
                answered,
                cards,
                latex=latex.get(name, ""),
                pictures=pictures.get(name, ()),
                large=large.get(name, ()),
            )
        )
        plots[name] = plotted(grid, answered)
    return (
        assets.environment()
        .get_template("page.html")
        .render(
            policy=assets.policy(),
            style=assets.markup(assets.style()),
            script=assets.markup(assets.script()),
            data=assets.embed({"grids": plots, "numbers": cards.numbers, "facts": cards.facts}),
            grids=pages,
            problems=[plain(problem, limit=500) for problem in findings.problems],
            loose=[plain(line, limit=500) for line in notes.loose_cells(findings.loose)],
            profiles=_profiles(findings),
            profile_remarks=[plain(line, limit=500) for line in profile_remarks(findings.profiles)],
        )
    )


def _profiles(findings: Findings) -> list[TableView]:
    if not findings.profiles:
        return []
    return [
        table_view(profile_table(findings.profiles), name="profiles", title="What variants cost"),
        table_view(parts_table(findings.profiles), name="profile-parts", title="Shares of each part"),
    ]
