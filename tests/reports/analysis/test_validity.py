"""No verdict without a calibration that matches, and none of a budget that is not valid; what skill may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports.analysis.verdicts import GridComparison
from reports.content.grid_report import grid_report
from reports.content.wording import answer, secondary, verdict
from reports.views.find import find
from reports.views.grid import GridView
from results.calibration import Bound
from tests.reports.planted import compared, planted
from tests.reports.simulated import calibration, linear_filter, speed_run, write_grid

ONES = (1.0, 1.01, 0.99)
FAST = (0.80, 0.81, 0.80)
SLOW = (1.3, 1.31, 1.29)
GOOD, BAD = (-0.10, -0.11, -0.09), (0.05, 0.06, 0.05)

ABOVE = Bound(mean=0.2, upper=0.3)
BELOW = Bound(mean=-0.2, upper=-0.1)
LEVELS: dict[str, dict[str, Any]] = {
    "A": {"bins": [BELOW] * 5, "geometric": BELOW, "arithmetic": BELOW},
    "B": {"bins": [ABOVE] * 5, "geometric": BELOW, "arithmetic": BELOW},
    "C": {"bins": [ABOVE] * 5, "geometric": ABOVE, "arithmetic": BELOW},
    "none": {"bins": [ABOVE] * 5, "geometric": ABOVE, "arithmetic": ABOVE},
}


def level(name: str) -> dict[str, Any]:
    return {"level": name, **LEVELS[name]}


def grid(root: Path) -> GridView:
    (found,) = find(root).grids
    return found


def judged(root: Path, **options: Any) -> GridComparison:
    return compared(grid(speed_run(root, {"concat": ONES, "add": FAST, "none": SLOW}, **options).root))


def words(found: GridComparison | None) -> list[str | None]:
    assert found is not None
    return [comparison.verdict for comparison in found.comparisons]


def test_a_calibrated_budget_has_verdicts(tmp_path: Path) -> None:
    assert words(judged(tmp_path)) == ["better", "worse"]


def test_without_a_calibration_there_are_intervals_and_the_command(tmp_path: Path) -> None:
    found = judged(tmp_path, calibrated=False)
    assert words(found) == [None, None] and all(c.interval is not None for c in found.comparisons)
    assert not any(c.is_open for c in found.comparisons), "no number of seeds mends it"
    said = verdict(grid(tmp_path), found)
    assert "uvit calibrate cpu --preset uvit-micro-deep/4 --dataset photos" in said
    assert said.startswith("No verdict: budget cpu is not calibrated") and "R is descriptive" in said
    assert answer(grid(tmp_path), found) == ""


def test_a_grid_from_before_there_were_calibrations_is_not_sent_to_todays_budget_of_that_name(tmp_path: Path) -> None:
    found = judged(tmp_path, calibrated=False, sections=None)
    assert found.why_none is not None and "run before budgets were calibrated" in found.why_none
    assert "uvit calibrate" not in found.why_none


@pytest.mark.parametrize(
    "other",
    [
        {"preset": "uvit-nano/4"},
        {"dataset": {"name": "photos", "fingerprint": "00" * 32}},
        {"training": {"steps": 3000, "batch_size": 32, "lr": 1e-3}},
        {"training": {"steps": 2000, "batch_size": 32}},
    ],
)
def test_a_calibration_of_anything_else_does_not_serve(tmp_path: Path, other: dict[str, Any]) -> None:
    store = speed_run(tmp_path, {"concat": ONES, "add": FAST}, calibrated=False)
    store.write_calibration(calibration(**other))
    assert "not calibrated" in (compared(grid(tmp_path)).why_none or "")


def test_the_precision_may_be_another(tmp_path: Path) -> None:
    training = {"concat": {"precision": "float32"}, "add": {"precision": "float32"}}
    store = speed_run(tmp_path, {"concat": ONES, "add": FAST}, calibrated=False, training=training)
    store.write_calibration(calibration(training={"steps": 3000, "batch_size": 32, "precision": "bfloat16"}))
    assert words(compared(grid(tmp_path))) == ["better"]


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_every_level_but_none_has_verdicts(tmp_path: Path, name: str) -> None:
    skill = {"concat": GOOD, "add": GOOD, "none": GOOD}
    found = judged(tmp_path, calibrated=level(name), skill=skill)
    assert words(found) == ["better", "worse"]
    assert (words(found.secondary) == [None, None]) == (name == "C")
    assert ("early training" in secondary(found)) == (name == "C")


def test_a_budget_that_is_not_valid_has_none(tmp_path: Path) -> None:
    found = judged(tmp_path, calibrated=level("none"))
    assert words(found) == [None, None]
    assert "no better than a linear filter even in the mean loss" in (found.why_none or "")


@pytest.mark.parametrize(("metric", "needed"), [("val_loss", True), ("val_loss_bin1", True), ("fd_x_1k", False)])
def test_only_endpoints_of_early_training_need_one(metric: str, needed: bool) -> None:
    scores = {"concat": (1.0, 1.1, 0.9), "add": (2.0, 2.11, 1.9)}
    found = compared(planted(scores, metric=metric, calibrated=False))
    assert (found.why_none is not None) == needed
    assert (words(found) == [None]) == needed


def test_one_seed_of_a_budget_without_calibration_says_both(tmp_path: Path) -> None:
    store = speed_run(tmp_path, {"concat": ONES[:1], "add": FAST[:1]}, calibrated=False)
    why = compared(grid(store.root)).why_none or ""
    assert "not calibrated" in why and "one seed cannot tell" in why


def test_a_baseline_without_a_record_is_waited_for(tmp_path: Path) -> None:
    found = compared(grid(speed_run(tmp_path, {"concat": [None] * 3, "add": FAST}, calibrated=False).root))
    assert "no finished cell to compare with" in (found.why_none or "") and found.comparisons[0].is_open


# -- skill ----------------------------------------------------------------------------------------------------------


def test_skill_is_over_the_linear_filter_and_its_margin_the_calibrations(tmp_path: Path) -> None:
    found = judged(tmp_path, skill={"concat": GOOD, "add": [x + 0.02 for x in GOOD], "none": BAD})
    skill = found.secondary
    assert skill is not None and skill.endpoint is not None and skill.margin == 0.04
    assert skill.endpoint.values(grid(tmp_path).baseline) == pytest.approx(
        dict(zip((100, 101, 102), GOOD, strict=True))
    )
    assert skill.comparisons[0].difference == pytest.approx(0.02)
    assert skill.comparisons[1].difference == pytest.approx(sum(BAD) / 3 - sum(GOOD) / 3)
    assert [c.look for c in skill.comparisons] == [1, 1]


def test_faster_but_worse_at_the_end_is_never_better(tmp_path: Path) -> None:
    found = judged(tmp_path, skill={"concat": GOOD, "add": BAD, "none": GOOD})
    add, none = found.comparisons
    assert (add.verdict, none.verdict) == ("mixed", "worse")
    assert add.is_resolved and not add.is_open
    assert add.note.startswith("faster, worse at the end (skill 1.1")
    assert "mixed (faster, worse at the end)" in answer(grid(tmp_path), found)


def test_level_c_takes_no_better_either(tmp_path: Path) -> None:
    found = judged(tmp_path, skill={"concat": GOOD, "add": BAD, "none": GOOD}, calibrated=level("C"))
    assert words(found) == ["mixed", "worse"] and words(found.secondary) == [None, None]


def test_a_difference_within_skills_margin_contradicts_nothing(tmp_path: Path) -> None:
    a_little = [x + 0.01 for x in GOOD]
    a_little[0] += 1e-3
    found = judged(tmp_path, skill={"concat": GOOD, "add": a_little, "none": GOOD}, calibrated={"skill_margin": 0.1})
    assert words(found) == ["better", "worse"] and words(found.secondary)[0] == "equivalent"
    strict = judged(
        tmp_path / "b", skill={"concat": GOOD, "add": a_little, "none": GOOD}, calibrated={"skill_margin": None}
    )
    assert words(strict) == ["mixed", "worse"]


def test_other_contradictions_are_told_and_change_no_word(tmp_path: Path) -> None:
    ratios = {"concat": ONES, "none": SLOW, "add": ONES[::-1]}
    store = speed_run(tmp_path, ratios, skill={"concat": GOOD, "none": [-0.4, -0.42, -0.41], "add": BAD})
    none, add = compared(grid(store.root)).comparisons
    assert (none.verdict, none.note.partition(" (")[0]) == ("worse", "slower, better at the end")
    assert (add.verdict, add.note.partition(" (")[0]) == ("equivalent", "equal in steps, worse at the end")


def test_without_a_filter_or_levels_skill_says_why(tmp_path: Path) -> None:
    bare = judged(tmp_path / "a")
    assert "no finished cell has EMA losses by noise level" in secondary(bare)
    other = tmp_path / "b"
    store = speed_run(other, {"concat": ONES, "add": FAST}, skill={"concat": GOOD, "add": GOOD})
    (other / "linear_filters").rename(other / "gone")
    assert "no linear filter of the held-out images" in secondary(compared(grid(other)))
    store.write_linear_filter(linear_filter(held_out_fingerprint="ef" * 32, process="flow"))
    assert "no linear filter" in secondary(compared(grid(other))), "it is of another process"
    short = {"edges": [0.1, 0.5, 0.9], "loss": [0.1, 0.02], "log_snr": [1.0, -1.0], "input_loss": [0.5, 0.1]}
    store.write_linear_filter(linear_filter(held_out_fingerprint="ef" * 32, **short))
    assert "other noise levels" in secondary(compared(grid(other)))


def test_skill_is_judged_at_the_primarys_looks(tmp_path: Path) -> None:
    """add stops at three seeds: skill of later seeds, which is bad, is not looked at."""
    late_bad = [*GOOD, 0.9, 0.9, 0.9]
    steady = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99]
    near = [1.16, 1.02, 0.98, 1.03, 1.02, 1.05]
    ratios = {"concat": steady, "add": [0.80, 0.81, 0.80, 0.80, 0.81, 0.80], "none": near}
    skill = {"concat": [*GOOD, *GOOD], "add": late_bad, "none": [*GOOD, *GOOD]}
    found = compared(grid(speed_run(tmp_path, ratios, skill=skill, looks=[3, 6]).root))
    add, none = found.comparisons
    assert found.secondary is not None
    assert (add.verdict, add.look, none.look) == ("better", 1, 2)
    assert [(c.look, c.n_pairs) for c in found.secondary.comparisons] == [(1, 3), (2, 6)]
    assert found.secondary.comparisons[0].alpha == add.alpha == pytest.approx(0.025)


def test_a_ratio_margin_that_is_none_declares_none(tmp_path: Path) -> None:
    store = speed_run(tmp_path, {"concat": ONES, "add": ONES[::-1]})
    for margin in (None, 1.0, 0.9):
        content = grid(store.root).manifest.to_dict()
        content["endpoint"] = {**content["endpoint"], "margin": margin}
        write_grid(store, "skip", content)
        assert grid(store.root).margin is None
        assert words(compared(grid(store.root))) == ["unresolved"]


def test_intervals_stand_in_the_table_where_no_verdict_does(tmp_path: Path) -> None:
    scores = {"concat": (1.0, 1.1, 0.9), "add": (2.0, 2.11, 1.9)}
    silent, heard = (grid_report(planted(scores, calibrated=known)) for known in (False, True))
    interval, word = "95% interval\n(simultaneous)", "verdict"
    assert [title in silent.arms.headings for title in (interval, word)] == [True, False]
    assert [title in heard.arms.headings for title in (interval, word)] == [True, True]
    row = next(row for row in silent.arm_rows if row["arm"] == "add")
    assert row["verdict"] is None and row["delta val_loss raw low"] < 1.0 < row["delta val_loss raw high"]
