"""``reports.render``: from output folders to Markdown, CSV, plots and the text of the terminal."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from reports.analysis.verdicts import compare
from reports.content import equal_budget_table, notes, sampling_steps
from reports.content.arm_table import figures
from reports.content.profiles import figures as profile_figures
from reports.formats import latex, terminal
from reports.formats.markdown import PROFILES, document
from reports.page import document as page_document
from reports.pictures.gallery import gallery
from reports.plots import draw, draw_profiles
from reports.views.find import Findings, find
from reports.views.grid import GridView
from results.frame import Dirs
from results.store import write_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What was written, the text for a terminal, the figures as plain data, and what had to be left out."""

    paths: list[Path]  # report.md first
    text: str
    data: dict[str, Any]
    problems: list[str]


def render(
    dirs: Dirs, out: str | PathLike[str] | None = None, *, width: int | None = None, plots: bool = True
) -> Rendered:
    """Report on the records of one or several output folders; needs neither torch nor checkpoints.

    ``find``, the text of ``show`` and ``write`` in one; call the three to have the text before the figures are drawn,
    as ``uvit report`` does. ``width`` is the text's, in columns; ``plots=False`` saves their seconds. Damaged
    records are named in ``problems`` and left out. Raises ValueError for a missing or empty folder, OSError when
    ``out`` cannot be written.
    """
    findings = find(dirs)
    paths = write(findings, out, plots=plots)
    text = terminal.text(findings, width=width) + f"\nreport: {paths[0]}\n"
    return Rendered(paths=paths, text=text, data=_data(findings), problems=findings.problems)


def write(findings: Findings, out: str | PathLike[str] | None = None, *, plots: bool = True) -> list[Path]:
    """Draw the figures, then write ``report.md``, ``tables/<grid>.csv`` and ``.tex``, and ``plots/*``.

    With profiles, ``tables/profiles.csv`` too. They go under ``out`` (default: ``report`` in the first folder); returns
    their paths, the page first. An earlier report stands as it was until all is drawn. Raises OSError when ``out``
    cannot be written.
    """
    folder = Path(out) if out is not None else findings.folders[0] / "report"
    files: dict[Path, bytes] = {}
    pictures: dict[str, list[str]] = {}
    for grid in findings.grids:
        files[folder / "tables" / f"{grid.name}.csv"] = _csv(_arms(grid)).encode()
        files[folder / "tables" / f"{grid.name}.tex"] = latex.document(grid).encode()
        if rows := sampling_steps.figures(grid):
            files[folder / "tables" / f"{grid.name}-samplers.csv"] = _csv(rows).encode()
        drawn = draw(grid) if plots else {}
        files |= {folder / "plots" / name: content for name, content in drawn.items()}
        pictures[grid.name] = [f"plots/{name}" for name in drawn if name.endswith(".png")]
    if findings.profiles:
        files[folder / "tables" / "profiles.csv"] = _csv(profile_figures(findings.profiles)).encode()
        drawn = draw_profiles(findings.profiles) if plots else {}
        files |= {folder / "plots" / name: content for name, content in drawn.items()}
        pictures[PROFILES] = [f"plots/{name}" for name in drawn if name.endswith(".png")]
    shown = gallery(findings) if plots else {}
    for items in shown.values():
        files |= {folder / path: content for item in items for path, content in item.files.items()}
    page = document(findings, pictures, shown).encode()
    files[folder / "index.html"] = page_document(findings, shown=shown).encode()
    paths = [write_bytes(path, content) for path, content in files.items()]
    return [write_bytes(folder / "report.md", page), *paths]  # the page last: all that it names is there


def _data(findings: Findings) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "grids": [_grid(grid) for grid in findings.grids],
        "profiles": profile_figures(findings.profiles),
        "loose": [record.train_id for record in findings.loose],
        "problems": findings.problems,
    }


def _grid(grid: GridView) -> dict[str, Any]:
    keys = ("question", "baseline", "reference", "budget", "dataset")
    found = compare(grid)
    return {
        "name": grid.title,
        **{key: grid.manifest[key] for key in keys},
        "endpoint": {**grid.endpoint, "step": grid.step},
        "verdict": found.answer or None,
        "why_no_verdict": found.why_none,
        "method": found.method or None,
        "comparisons": [asdict(comparison) for comparison in found.comparisons],
        "arms": _arms(grid),
        "samplers": sampling_steps.figures(grid),
        "failures": notes.failures(grid),
        "score_cards": notes.score_cards(grid),
    }


def _arms(grid: GridView) -> list[dict[str, Any]]:
    """A row an arm: the arm table's figures, then the fair views'."""
    more = equal_budget_table.figures(grid)
    return [row | more[row["arm"]] for row in figures(grid)]


def _csv(rows: list[dict[str, Any]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _safe(value) for key, value in row.items()} for row in rows)
    return buffer.getvalue()


def _safe(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula is quoted as text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
