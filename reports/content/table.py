"""A table in no format: texts by row and column, written as Markdown, LaTeX and HTML and for a terminal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Headings (lines of text) and rows. The first column holds names, the others figures.

    ``blocks`` numbers the columns' groups: a narrow terminal shows a group a table, each with the first column.
    """

    headings: tuple[str, ...]
    blocks: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    floor: tuple[str, ...] | None  # what real held-out images score; a last row of its own
    baseline: int  # index of the baseline's row
    bold: frozenset[tuple[int, int]] = frozenset()  # (row, column) of the best, where a verdict supports it
