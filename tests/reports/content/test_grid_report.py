"""A grid's report is made once and handed on, and says the same in every format."""

from __future__ import annotations

import dataclasses
import html
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cli
import reports
from reports.analysis import columns, compare
from reports.formats import latex, markdown, terminal
from reports.page import document
from tests.reports.simulated import skip_run

PHOTOS = Path(__file__).parents[3] / "results" / "published" / "photos-cpu"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often `columns` and `compare` are called, by whichever module of reports."""
    count: Counter[str] = Counter()
    for module, name in ((columns, "columns"), (compare, "compare")):
        original = getattr(module, name)

        def counting(*args: Any, name: str = name, original: Callable[..., Any] = original) -> Any:
            count[name] += 1
            return original(*args)

        for loaded in list(sys.modules.values()):
            if loaded.__name__.partition(".")[0] == "reports" and getattr(loaded, name, None) is original:
                monkeypatch.setattr(loaded, name, counting)
    return count


def test_a_full_report_asks_for_verdicts_and_columns_once_a_grid(calls: Counter[str], tmp_path: Path) -> None:
    reports.render(PHOTOS, tmp_path)
    assert calls == {"columns": 1, "compare": 1}


def test_the_command_hands_it_from_the_table_to_the_files(
    calls: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.modules["reports.render"], "draw", lambda report: {})  # the module
    assert cli.main(["report", str(PHOTOS), "--out", str(tmp_path)]) == 0
    assert calls == {"columns": 1, "compare": 1}
    assert "linear_skip" in capsys.readouterr().out


def test_what_is_composed_is_not_composed_again(tmp_path: Path) -> None:
    skip_run(tmp_path)
    composed = reports.compose(reports.find(tmp_path))
    assert reports.compose(composed) is composed


def test_one_more_remark_stands_in_every_format(tmp_path: Path) -> None:
    skip_run(tmp_path)
    composed = reports.compose(reports.find(tmp_path))
    (grid,) = composed.grids
    more = dataclasses.replace(grid, remarks=(*grid.remarks, "one more line"))
    changed = dataclasses.replace(composed, grids=(more,))
    for text in (
        terminal.text(changed, width=120),
        markdown.document(changed, {}),
        latex.document(more),
        html.unescape(document(changed)),
    ):
        assert text.count("one more line") == 1
