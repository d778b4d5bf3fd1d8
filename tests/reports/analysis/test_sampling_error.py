"""Sampling errors of single scores: shown as what they are, by the seed that they belong to, and in no verdict."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from pathlib import Path

import pytest

import reports
from reports.views.find import find
from results import Record, Store
from tests.reports.planted import compared
from tests.reports.simulated import FD, manifest, record, write_grid

ERRORS = {0: 3.0, 1: 4.0}


def run(root: Path, *, errors: bool) -> Path:
    store = Store(root)
    write_grid(store, "skip", manifest(["concat", "add"]))
    for arm in ("concat", "add"):
        for seed, error in ERRORS.items():
            made = record(arm, seed)
            scores = [
                dataclasses.replace(s, card=s.card | ({"sampling_se": error} if errors and s.metric == FD else {}))
                for s in made.scores
            ]
            store.write(dataclasses.replace(made, scores=scores))
    return root


def rendered(root: Path) -> tuple[str, str, list[dict[str, str]]]:
    paths = reports.render(root, plots=False).paths
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    return texts["report.md"], texts["index.html"], list(csv.DictReader(texts["skip.csv"].splitlines()))


def test_errors_are_shown_and_labelled(tmp_path: Path) -> None:
    page, html, rows = rendered(run(tmp_path, errors=True))
    assert "FD-1K effnet-lite0 (ema): sampling standard error of one score 3.00 to 4.00" in page
    assert "enters no verdict" in page
    assert float(rows[0][f"{FD} ema sampling_se"]) == pytest.approx(12.5**0.5)
    assert not [name for name in rows[0] if name.startswith("val_loss") and name.endswith("sampling_se")]
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found is not None
    data = json.loads(found[1])
    assert {seed["error"] for number in data["numbers"].values() for seed in number["seeds"]} == {"3.00", "4.00", ""}
    assert not [pair for facts in data["facts"] for pair in facts if "sampling_se" in pair]  # shared cards stay shared


def test_records_without_errors_stay_readable(tmp_path: Path) -> None:
    page, _, rows = rendered(run(tmp_path, errors=False))
    assert "sampling standard error" not in page
    assert not [name for name in rows[0] if name.endswith("sampling_se")]


def test_errors_change_no_column_and_no_verdict(tmp_path: Path) -> None:
    with_errors, without = (find(run(tmp_path / str(flag), errors=flag)).grids[0] for flag in (True, False))
    assert compared(with_errors) == compared(without)


def test_a_record_keeps_its_error() -> None:
    made = record("add", 0)
    card = made.scores[0].card | {"sampling_se": 0.25}
    made = dataclasses.replace(made, scores=[dataclasses.replace(made.scores[0], card=card)])
    assert Record.from_json(made.to_json()).scores[0].card["sampling_se"] == 0.25
