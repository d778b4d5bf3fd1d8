"""``reports.render``: from output folders to Markdown, CSV, plots and the text of the terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from reports.content.figures import Row, comparison_rows
from reports.content.grid_report import GridReport, GridReports, compose
from reports.content.profiles import profile_rows
from reports.content.scope import scope_lines
from reports.formats import latex, terminal
from reports.formats.markdown import PROFILES, document
from reports.page import document as page_document
from reports.pictures.gallery import gallery
from reports.plots import draw, draw_profiles
from reports.views.find import Findings, find
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

    ``find``, ``compose``, the text of ``show`` and ``write`` in one; call the four to have the text before the figures
    are drawn, as ``uvit report`` does. ``width`` is the text's, in columns; ``plots=False`` saves their seconds.
    Damaged records are named in ``problems`` and left out. Raises ValueError for a missing or empty folder, OSError
    when ``out`` cannot be written.
    """
    reports = compose(find(dirs))
    paths = write(reports, out, plots=plots)
    text = terminal.text(reports, width=width) + f"\nreport: {paths[0]}\n"
    return Rendered(paths=paths, text=text, data=_data(reports), problems=reports.findings.problems)


def write(found: Findings | GridReports, out: str | PathLike[str] | None = None, *, plots: bool = True) -> list[Path]:
    """Draw the figures, then write ``report.md``, ``tables/<grid>.csv`` and ``.tex``, and ``plots/*``.

    With profiles, ``tables/profiles.csv`` too. They go under ``out`` (default: ``report`` in the first folder); returns
    their paths, the page first. An earlier report stands as it was until all is drawn. Raises OSError when ``out``
    cannot be written.
    """
    reports = compose(found)
    findings = reports.findings
    folder = Path(out) if out is not None else findings.folders[0] / "report"
    files: dict[str, bytes] = {}  # by path under the folder
    pictures: dict[str, list[str]] = {}
    for grid in reports.grids:
        files |= _tables(grid)
        drawn = _drawn(draw(grid)) if plots else {}
        files |= drawn
        pictures[grid.grid.name] = _pngs(drawn)
    if findings.profiles:
        files["tables/profiles.csv"] = _csv(profile_rows(findings.profiles)).encode()
        drawn = _drawn(draw_profiles(findings.profiles)) if plots else {}
        files |= drawn
        pictures[PROFILES] = _pngs(drawn)
    shown = gallery(findings) if plots else {}
    for items in shown.values():
        files |= {path: content for item in items for path, content in item.files.items()}
    page = document(reports, pictures, shown).encode()
    files["index.html"] = page_document(reports, shown=shown).encode()
    paths = [write_bytes(folder / path, content) for path, content in files.items()]
    return [write_bytes(folder / "report.md", page), *paths]  # the page last: all that it names is there


def _tables(report: GridReport) -> dict[str, bytes]:
    name = report.grid.name
    files = {
        f"tables/{name}.csv": _csv(report.arm_rows).encode(),
        f"tables/{name}.tex": latex.document(report).encode(),
    }
    if report.sampler_rows:
        files[f"tables/{name}-samplers.csv"] = _csv(report.sampler_rows).encode()
    return files


def _drawn(figures: dict[str, bytes]) -> dict[str, bytes]:
    return {f"plots/{name}": content for name, content in figures.items()}


def _pngs(files: Iterable[str]) -> list[str]:
    return [path for path in files if path.endswith(".png")]


def _data(reports: GridReports) -> dict[str, Any]:
    """What ``--json`` prints."""
    findings = reports.findings
    return {
        "grids": [_grid(grid) for grid in reports.grids],
        "profiles": profile_rows(findings.profiles),
        "loose": [record.train_id for record in findings.loose],
        "problems": findings.problems,
    }


def _grid(report: GridReport) -> dict[str, Any]:
    grid, compared = report.grid, report.analysis.comparison
    return {
        "name": grid.title,
        "question": grid.question,
        "baseline": grid.baseline.name,
        "reference": grid.manifest.reference,
        "budget": grid.manifest.budget,
        "dataset": grid.manifest.dataset,
        "endpoint": {**asdict(grid.manifest.endpoint), "step": grid.step},
        "verdict": report.answer or None,
        "why_no_verdict": compared.why_none,
        "method": report.method or None,
        "comparisons": comparison_rows(compared),
        "secondary": comparison_rows(compared.secondary) if compared.secondary is not None else [],
        "scope": scope_lines(grid, compared),
        "arms": list(report.arm_rows),
        "samplers": list(report.sampler_rows),
        "failures": list(report.failures),
        "score_cards": list(report.score_cards),
    }


def _csv(rows: Sequence[Row]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _safe(value) for key, value in row.items()} for row in rows)
    return buffer.getvalue()


def _safe(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula is quoted as text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
