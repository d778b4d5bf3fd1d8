"""Ids, the sections that they hash, and the reports on published records are what they were; `tests.frozen` renews."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.frozen.__main__ import added, read
from tests.frozen.ids import budget_ids, sections
from tests.frozen.reports import ROOT, folders, report_hashes

IDS, SECTIONS, REPORTS = read("ids"), read("sections"), read("reports")


def test_nothing_is_left_unfrozen() -> None:
    assert set(IDS) == set(SECTIONS) == set(sections())
    assert set(REPORTS) == set(folders())


@pytest.mark.parametrize("budget", IDS)
def test_ids_of_cells_and_scores_never_change(budget: str) -> None:
    assert budget_ids(budget) == IDS[budget]


@pytest.mark.parametrize("budget", SECTIONS)
def test_what_budgets_train_and_hash_never_changes(budget: str) -> None:
    assert sections()[budget] == SECTIONS[budget]


@pytest.mark.parametrize("name", REPORTS)
def test_reports_say_what_they_said(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # reports name folders as they were given
    found, known = report_hashes(name, tmp_path / "report"), REPORTS[name]
    assert sorted(found) == sorted(known)
    assert {path: digest for path, digest in found.items() if digest != known[path]} == {}


def test_renewing_adds_ids_and_refuses_to_change_one() -> None:
    known = {"smoke": {"skip": "a"}}
    assert added(known, {"smoke": {"skip": "a", "time": "b"}}) == {"smoke": {"skip": "a", "time": "b"}}
    section = {"training": {"lr": 1.0}, "hashed": {"lr": 1.0}}
    assert added({"cpu": section}, {"cpu": section | {"training": {"lr": 1.0, "prediction": "eps"}}})
    with pytest.raises(ValueError, match=r"cpu/hashed: .* ids never change their meaning"):
        added({"cpu": section}, {"cpu": section | {"hashed": {"lr": 1.0, "prediction": "eps"}}})
    for found in ({"smoke": {"skip": "b"}}, {"smoke": {}}, {}):
        with pytest.raises(ValueError, match="ids never change their meaning"):
            added(known, found)
