"""A grid's tables for a paper: a bare ``tabular`` with booktabs rules, and a document around it that compiles alone.

The page's copy button gives the same ``tabular``. Only booktabs is needed (and graphicx in the document), with any
engine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from reports.analysis import columns as cols
from reports.content import notes
from reports.content.grid_report import GridReport
from reports.content.table import Table
from reports.formats.latex_text import escape

_LEFT_OUT = ("kernel", "precision", "recall")  # of the page's columns; a paper's table has one distance
_WORDS = ("verdict", "status")  # headings of columns of words, set to the left


def arm_tabular(report: GridReport) -> str:
    """The grid's arm table, for ``\\input``; the document that takes it needs ``\\usepackage{booktabs}``."""
    return tabular(_for_paper(report))


def tabular(content: Table) -> str:
    """Any table as a bare ``tabular``: bold where the table has it, the floor below a rule of its own."""
    places = range(len(content.headings))
    align = "".join("l" if i == 0 or content.headings[i] in _WORDS else "r" for i in places)
    lines = [
        "% written by uvit report; needs \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{@{{}}{align}@{{}}}}",
        "\\toprule",
        _row([_heading(content.headings[i], align[i]) for i in places]),
        "\\midrule",
        *(_row([_cell(content, r, i) for i in places]) for r in range(len(content.rows))),
    ]
    if content.floor and any(content.floor[1:]):
        lines += ["\\midrule", _row([escape(text) for text in content.floor])]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def document(report: GridReport) -> str:
    """A page that compiles on its own: question, answer, tables, and how all was measured."""
    lines = [notes.READING, *report.below_arms, *report.failures, *report.score_cards]
    parts = [_boxed(arm_tabular(report)), *_lines(lines)]
    parts += [*(_boxed(tabular(content)) for content in report.samplers), *_lines(report.sampler_remarks)]
    return "\n".join(
        [
            "\\documentclass{article}",
            "\\usepackage[a4paper,landscape,margin=15mm]{geometry}",
            "\\usepackage{booktabs,graphicx}",
            "\\newsavebox{\\arms}",
            "\\pagestyle{empty}",
            "\\setlength{\\parindent}{0pt}",
            "\\setlength{\\parskip}{4pt}",
            "\\begin{document}",
            "\\raggedright",
            f"\\textbf{{{escape(report.grid.question)}}}\n",
            f"{escape(report.verdict, limit=1000)}\n",
            f"{{\\small {escape(report.design, limit=500)}\\par}}\n",
            *parts,
            "\\end{document}",
            "",
        ]
    )


def _for_paper(report: GridReport) -> Table:
    """The arm table without columns that a paper leaves out, and the status where every cell trained to the end."""
    grid, content, columns = report.grid, report.arms, report.analysis.columns
    dropped = {column.heading for column in columns if column.described.kind in _LEFT_OUT}
    if all(cell.record is not None and cell.record.status == "ok" for cell in grid.cells):
        dropped.add("status")
    dropped -= {column.heading for column in columns if cols.is_endpoint(grid, column)}
    kept = [i for i, heading in enumerate(content.headings) if heading not in dropped]

    def pick(row: Sequence[str]) -> tuple[str, ...]:
        return tuple(row[i] for i in kept)

    return dataclasses.replace(
        content,
        headings=pick(content.headings),
        blocks=tuple(content.blocks[i] for i in kept),
        rows=tuple(pick(row) for row in content.rows),
        floor=None if content.floor is None else pick(content.floor),
        bold=frozenset((row, kept.index(column)) for row, column in content.bold if column in kept),
    )


def _boxed(table: str) -> str:
    """The table at its own size, or shrunk to the page's width where it is wider."""
    return "\n".join(
        [
            "\\begin{lrbox}{\\arms}",
            table.rstrip(),
            "\\end{lrbox}",
            "\\ifdim\\wd\\arms>\\textwidth\\resizebox{\\textwidth}{!}{\\usebox{\\arms}}\\else\\usebox{\\arms}\\fi\n",
        ]
    )


def _lines(texts: Sequence[str]) -> list[str]:
    return [f"{{\\footnotesize {escape(text, limit=500)}\\par}}\n" for text in texts]


def _heading(text: str, align: str) -> str:
    lines = [escape(line) for line in text.split("\n")]
    stacked = r" \\ ".join(lines)
    return stacked if len(lines) == 1 else f"\\shortstack[{align}]{{{stacked}}}"


def _cell(content: Table, row: int, column: int) -> str:
    text = escape(content.rows[row][column])
    return f"{{\\bfseries\\boldmath {text}}}" if (row, column) in content.bold else text


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + " \\\\"
