"""Bold is for the arm that is shown to be better than every other, and for none where the verdicts do not say so."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from rich.console import Console

from reports import show
from reports.analysis.best import best
from reports.content.grid_report import grid_report
from reports.formats.latex import arm_tabular
from reports.formats.markdown import document
from reports.page import document as page
from reports.views.find import Findings
from reports.views.grid import GridView
from tests.reports.planted import compared, planted

BASE = (0.050, 0.052, 0.049, 0.051)


def shifted(by: float, jitter: float = 1e-5) -> list[float]:
    """The baseline's seeds shifted: a clear difference unless ``jitter`` is large."""
    return [b + by + jitter * e for b, e in zip(BASE, (1, -1, 0.5, -0.5), strict=True)]


def found(scores: Mapping[str, Sequence[float | None]], **options: Any) -> str | None:
    grid = planted({"concat": BASE, **scores}, **options)
    return best(grid, compared(grid))


def test_better_than_all_others() -> None:
    assert found({"add": shifted(-0.01), "none": shifted(0.01)}) == "add"
    assert found({"add": shifted(-0.01), "none": shifted(-0.02)}) == "none"
    assert found({"add": shifted(0.01), "none": shifted(0.02)}) == "concat"
    assert found({"add": shifted(0.01), "none": shifted(0.02)}, metric="recall_1k_k3") == "none"


@pytest.mark.parametrize(
    "other",
    [
        shifted(-0.01001),  # as good
        shifted(-0.005, jitter=0.01),  # unresolved
        [None, None, None, 0.041],  # hardly measured
    ],
)
def test_none_while_another_may_be_as_good(other: list[float | None]) -> None:
    assert found({"add": shifted(-0.01), "none": other}) is None


def test_an_unresolved_arm_keeps_the_baseline_from_being_best() -> None:
    assert found({"add": shifted(0.01), "none": shifted(0.0, jitter=0.01)}) is None


def test_seeds_that_fail_or_are_still_to_come() -> None:
    scores = {"add": shifted(-0.01), "none": shifted(0.01)}
    assert found(scores, status={("add", 1): "diverged"}) is None
    assert found(scores, pending=[("none", 3)]) is None
    lost = {("none", seed): "diverged" for seed in range(4)}
    assert found(scores, status=lost) == "add"


def test_within_the_margin_nothing_is_best() -> None:
    assert found({"add": shifted(-0.0001)}, margin=0.01) is None
    assert found({"add": [BASE[0] - 0.01, None, None, None]}) is None


def grid() -> GridView:
    return planted({"concat": BASE, "add": shifted(-0.01), "none": shifted(0.01)})


def test_bold_is_the_best_score_alone_in_every_form() -> None:
    findings = Findings(grids=[grid()], loose=[], problems=[])
    markdown = document(findings, {})
    assert [line.split("|")[1].strip() for line in markdown.splitlines() if "| **0.04" in line] == ["add"]
    assert "bold: add is shown to be better than every other arm" in markdown
    buffer = io.StringIO()
    show(findings, Console(file=buffer, width=200, force_terminal=True, color_system="standard"))
    rows = [line for line in buffer.getvalue().splitlines() if line.startswith(("concat ", "add ", "none "))]
    bold = [re.findall(r"\x1b\[1m\s*([^\x1b]*)", row) for row in rows]
    assert [[text[:4] for text in texts] for texts in bold] == [[], ["0.04"], []]
    tabular = arm_tabular(grid_report(grid()))
    assert tabular.count("\\bfseries") == 1
    assert "add & {\\bfseries\\boldmath 0.04" in tabular
    assert page(findings).count("<strong>") == 1


def test_without_a_best_nothing_is_bold() -> None:
    open_ = planted({"concat": BASE, "add": shifted(0.0, jitter=0.01)})
    assert "**0.0" not in document(Findings(grids=[open_], loose=[], problems=[]), {})
    assert "\\bfseries" not in arm_tabular(grid_report(open_))
