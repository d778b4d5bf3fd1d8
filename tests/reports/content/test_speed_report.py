"""A grid decided by speed in every form of a report: R, its interval, skill beside it, the scope of its verdicts."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

import reports
from reports.content.grid_report import GridReport, grid_report
from reports.content.scope import scope_lines
from reports.formats import latex, terminal
from results import Store
from results.metrics import describe
from tests.reports.simulated import calibration, speed_record, speed_run

ONES = (1.0, 1.01, 0.99)
RATIOS = {"concat": ONES, "add": (0.80, 0.81, 0.80), "none": (1.3, 1.31, 1.29)}
SKILL = {"concat": (-0.10, -0.11, -0.09), "add": (-0.12, -0.12, -0.11), "none": (0.05, 0.06, 0.05)}


def report(store: Store) -> GridReport:
    (grid,) = reports.find(store.root).grids
    return grid_report(grid)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return speed_run(tmp_path, RATIOS, skill=SKILL)


def test_ratios_have_no_sign_and_margins_are_ratios() -> None:
    speed = describe("speed")
    assert [speed.format(x, signed=True) for x in (math.log(1.24), 0.0, -0.1, None, 9.0, -9.0)] == [
        *("1.24", "1.00", "0.90"),
        *("–", ">100", "<0.01"),
    ]
    assert (speed.direction, speed.unit, speed.kind, speed.ratio) == ("lower", "×", "speed", True)
    assert describe("val_loss").format(0.5, signed=True) == "+0.50000" and not describe("val_loss").ratio


def test_the_words(store: Store) -> None:
    made = report(store)
    assert made.answer == (
        "add needs 0.80 times the steps of concat [0.80, 0.81]: better; 'none' 1.30 [1.29, 1.31]: worse."
    )
    said = "\n".join(made.evidence)
    assert "R: paired t of log R over 3 seeds" in said and "within 1.10 times either way" in said
    assert "minimum detectable ratio (80% power) 1.01" in said
    assert "for the same mean log training loss" in said
    assert "late R, over the last two thirds of the steps, without a verdict: add 0.80, 'none' 1.30" in said
    assert "(secondary, at 5% of its own; lower is better): add 0.98" in said
    assert "primary endpoint R, times the baseline's steps, up to step 3,000" in made.design


def test_the_table(store: Store) -> None:
    made = report(store)
    headings = [heading.replace("\n", " ") for heading in made.arms.headings]
    assert headings[:6] == ["arm", "R ↓ ×", "n", "95% interval (simultaneous)", "late R (no verdict)", "verdict"]
    assert headings[6:9] == ["skill ↓ ×", "skill vs concat", "finding (secondary)"]
    concat, add, none = (row[:9] for row in made.arms.rows)
    assert concat == ("concat", "1 (baseline)", "3", "", "", "", "0.905", "baseline", "")
    assert add[1:6] == ("0.80", "3", "0.80 to 0.81", "0.80", "better")
    assert none[6] == "1.055" and none[7].startswith("1.1") and none[8] == "worse"
    assert made.bold == ("bold: add is shown to be better than every other arm",)
    assert (made.budgets, made.budget_lines, made.budget_remarks) == (None, (), ()), "R is of whole curves"


def test_what_the_verdicts_hold_for(store: Store) -> None:
    made = report(store)
    scope = scope_lines(made.grid, made.analysis.comparison)
    assert list(made.remarks[:3]) == scope and len(scope) == 3
    assert scope[0] == "scope: photos, preset uvit-micro-deep/4, 3,000 steps of 32 images"
    assert "seeds stand for initialisation, order of the data and noise alone; look 1 of 1 (3 seeds)" in scope[1]
    assert "validity level B (the baseline beats a linear filter in the geometric mean over noise levels" in scope[1]
    assert scope[2].startswith("against the baseline: MACs −11.6%, params −12.3%; nothing is said of other data")


def test_what_records_say_more_of_stands_in_the_scope(tmp_path: Path) -> None:
    own = {"lr": 2e-3, "precision": "bfloat16"}
    store = speed_run(tmp_path, RATIOS, training=dict.fromkeys(RATIOS, own), calibrated=False)
    training = {"steps": 3000, "batch_size": 32, **own}
    card = {"name": "photos", "fingerprint": "ef" * 32, "photographs": 7, "train": 50_000}
    for arm, ratios in RATIOS.items():
        for seed, ratio in zip((100, 101, 102), ratios, strict=True):
            store.write(speed_record(arm, seed, ratio, training=training, dataset=card))
    store.write_calibration(calibration(training=training, repeat_sd=None))
    first, second, _ = scope_lines(report(store).grid, report(store).analysis.comparison)
    assert first == (
        "scope: photos (crops of only 7 photographs), preset uvit-micro-deep/4, 3,000 steps of 32 images, bfloat16, "
        "one learning rate for all arms (0.002; on what it was tuned is not on record)"
    )
    assert "spread of a repeated cell not known" in second
    known = calibration(training=training, seeds=list(range(1000, 1010)), provenance={"tuned_on": "seeds 2000 to 2002"})
    store.write_calibration(known)
    first, *_ = scope_lines(report(store).grid, report(store).analysis.comparison)
    assert first.endswith("(0.002; tuned on seeds 2000 to 2002)")


def test_a_grid_without_verdicts_has_no_scope(tmp_path: Path) -> None:
    made = report(speed_run(tmp_path, RATIOS, calibrated=False))
    assert scope_lines(made.grid, made.analysis.comparison) == []


def test_marks_are_shown_and_decide_nothing(store: Store) -> None:
    before = report(store)
    store.write(speed_record("none", 101, 1.31, skill=0.06, marks=["first_phase"]))
    after = report(store)
    assert after.analysis.comparison.comparisons == before.analysis.comparison.comparisons
    assert "marked first_phase (decides nothing): 'none' seed 101" in after.remarks


def test_files_and_json(store: Store) -> None:
    rendered = reports.render(store.root, plots=False)
    text = (store.root / "report" / "tables" / "skip.csv").read_text()
    rows = {row["arm"]: row for row in csv.DictReader(text.splitlines())}
    assert float(rows["add"]["R"]) == pytest.approx(0.803, abs=1e-3) and rows["concat"]["R"] == ""
    assert float(rows["add"]["R low"]) < 0.803 < float(rows["add"]["R high"]) < 1
    assert (rows["add"]["verdict"], rows["add"]["look"], rows["add"]["R bounds"]) == ("better", "1", "0")
    assert float(rows["none"]["skill"]) == pytest.approx(1.055, abs=1e-3) and rows["none"]["skill finding"] == "worse"
    data: dict[str, Any] = json.loads(json.dumps(rendered.data))
    (grid,) = data["grids"]
    add = grid["comparisons"][0]
    assert add["ratio"] == pytest.approx(math.exp(add["difference"])) and add["ratio low"] < add["ratio"]
    assert len(grid["scope"]) == 3 and [each["verdict"] for each in grid["secondary"]] == ["equivalent", "worse"]


def test_every_format_says_it(store: Store) -> None:
    rendered = reports.render(store.root, plots=False)
    page = (store.root / "report" / "index.html").read_text()
    markdown = rendered.paths[0].read_text()
    for text in (
        " ".join(terminal.text(reports.find(store.root)).split()),
        markdown,
        latex.document(report(store)),
        page,
    ):
        assert "0.80 times the steps of concat" in text
        assert "seeds stand for initialisation" in text and "late R" in text


def test_a_bound_is_told(tmp_path: Path) -> None:
    store = speed_run(tmp_path, {"concat": ONES, "none": ONES})
    flat = [{"step": step, "loss": 0.99 - 1e-3 * (step == 3000)} for step in range(50, 3001, 50)]
    for i, seed in enumerate((100, 101, 102)):
        losses = [{**point, "loss": point["loss"] - 1e-4 * i} for point in flat]
        store.write(speed_record("none", seed, 1.0, losses=losses))
    made = report(store)
    assert (
        "R is a bound, for the faster curve was past the level at its first point: 'none' in 3 seeds" in made.evidence
    )
    assert made.arms.rows[1][1].endswith("(3 bound)")
    assert "'none' needs at least 60.00 times the steps of concat" in made.verdict
    turned = speed_run(tmp_path / "turned", {"concat": ONES, "none": ONES})
    for i, seed in enumerate((100, 101, 102)):
        losses = [{**point, "loss": point["loss"] - 1e-4 * i} for point in flat]
        turned.write(speed_record("concat", seed, 1.0, losses=losses))
    assert "'none' needs at most 0.02 times the steps of concat" in report(turned).verdict
