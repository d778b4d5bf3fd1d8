"""Steps to quality and the fair views, on curves whose answers are known."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from scipy import stats

import cli
from reports.analysis.equal_budgets import EqualBudget
from reports.analysis.grid_analysis import analyse
from reports.analysis.steps_to_quality import StepsToQuality
from reports.analysis.trajectories import ScoredStep, value_at
from reports.content.grid_report import grid_report
from reports.content.quality import sentence, sentences, share_text
from reports.formats.markdown import document
from reports.views.find import Findings
from reports.views.grid import GridView
from tests.reports.planted import compared, planted
from tests.reports.simulated import identity, loss_card, profile, score

LAST = 3000
Curve = Callable[[int, int], float]  # of seed and step


def grid(
    curves: Mapping[str, Curve],
    *,
    seeds: int = 3,
    at: Sequence[int] = (1000, 2000, LAST),
    macs: Mapping[str, int] | None = None,
    metric: str = "val_loss",
    profiles: Mapping[str, Mapping[str, Any]] | None = None,
    **options: Any,
) -> GridView:
    """A planted grid with a score at every step of ``at``; ``macs`` a step, ``profiles`` what changes in each."""
    made = planted({arm: [0.0] * seeds for arm in curves}, metric=metric, **options)
    arms = []
    for arm in made.arms:
        cells = []
        for cell in arm.cells:
            scores = [
                _score(arm.name, cell.seed, step, curves, metric, (macs or {}).get(arm.name, 10**9)) for step in at
            ]
            record = cell.record and dataclasses.replace(cell.record, scores=scores)
            cells.append(dataclasses.replace(cell, record=record))
        found = (profile("concat", **profiles[arm.name]),) if profiles and arm.name in profiles else ()
        arms.append(dataclasses.replace(arm, cells=tuple(cells), profiles=found))
    return dataclasses.replace(made, arms=tuple(arms))


def _score(arm: str, seed: int, step: int, curves: Mapping[str, Curve], metric: str, macs: int) -> Any:
    found = score(identity(arm, seed), step, "raw", metric, curves[arm](seed, step), loss_card())
    return dataclasses.replace(found, train_macs=step * macs)


def falling(slope: float, *, wobble: float = 0.0) -> Curve:
    """1 − slope · step/1,000, the slope a little different in each seed."""
    return lambda seed, step: 1.0 - (slope + wobble * (seed - 1)) * step / 1000


def steps_to_quality(made: GridView) -> list[StepsToQuality]:
    return list(analyse(made).quality)


def only(made: GridView) -> StepsToQuality:
    (found,) = steps_to_quality(made)
    return found


def view(made: GridView, name: str) -> EqualBudget:
    return next(found for found in analyse(made).budgets if found.name == name)


VALUES = {10: 8.0, 20: 4.0, 30: 5.0, 40: 2.0}
POINTS = tuple(ScoredStep(step=step, macs=0, value=value) for step, value in VALUES.items())


@pytest.mark.parametrize(("step", "value"), [(10, 8.0), (15, 6.0), (39, 2.3), (40, 2.0), (9.9, None), (40.1, None)])
def test_values_between_evaluations_and_never_outside(step: float, value: float | None) -> None:
    assert value_at(POINTS, step) == (None if value is None else pytest.approx(value))


def test_shares_are_paired_by_seed_on_the_log_scale() -> None:
    made = grid({"concat": falling(0.1, wobble=0.01), "add": falling(0.2, wobble=0.03), "none": falling(0.05)})
    add, none = steps_to_quality(made)
    base, fast = (
        (0.09, 0.10, 0.11),
        (0.17, 0.20, 0.23),
    )  # a slope a seed; add is at the baseline's end after 1,000 steps
    shares = [2 ** ((3 * b - f) / f) / 3 for b, f in zip(base, fast, strict=True)]
    slower = [3 / 2 ** ((0.15 - b) / b) for b in base]  # and the baseline at that of none
    assert add.shares == pytest.approx(dict(enumerate(shares)))
    assert none.shares == pytest.approx(dict(enumerate(slower)))
    variances = [stats.tvar([math.log(each) for each in by_seed]) for by_seed in (shares, slower)]
    pooled, df = sum(variances) / 2, 4 / 1.25
    for found, by_seed, variance in zip((add, none), (shares, slower), variances, strict=True):
        mean = sum(math.log(each) for each in by_seed) / 3
        half = stats.t.ppf(1 - 0.05 / 4, df) * math.sqrt((4 * pooled + 2 * variance) / 6 / 3)  # two arms at once
        assert found.share == pytest.approx(math.exp(mean))
        assert found.interval == pytest.approx((math.exp(mean - half), math.exp(mean + half)))
        low, high = found.interval  # type: ignore[misc]
        assert share_text(found) == f"{found.share:.2f}× [{low:.2f}, {high:.2f}]"
    said = sentences([add, none])
    assert said.startswith(f"add needs {add.share:.2f}× the baseline's steps [")
    assert "for the score that both reach; 'none' needs 2." in said and said.endswith("for it")


def test_arm_and_baseline_may_change_places() -> None:
    slow, fast = falling(0.1, wobble=0.01), falling(0.15, wobble=0.03)
    one, other = only(grid({"concat": slow, "add": fast})), only(grid({"concat": fast, "add": slow}))
    assert one.share == pytest.approx(1 / other.share)  # type: ignore[operator]
    assert one.interval == pytest.approx([1 / end for end in reversed(other.interval or ())])
    same = only(grid({"concat": slow, "add": slow}))
    assert (same.share, same.interval) == (1.0, None)


def test_the_last_time_that_a_score_is_worse_counts() -> None:
    values = {600: 0.8, 1200: 0.4, 2000: 0.5, LAST: 0.2}
    made = grid({"concat": lambda seed, step: 0.45, "add": lambda seed, step: values[step]}, at=list(values))
    assert only(made).share == pytest.approx(2000 * 1.5 ** (1 / 6) / LAST)  # 0.4 at 1,200 was luck


def test_a_mean_over_those_that_have_a_number_would_flatter() -> None:
    def half(seed: int, step: int) -> float:
        return falling(0.2 if seed else 0.4)(seed, step)

    found = only(grid({"concat": falling(0.1), "add": half}))
    assert (len(found.shares), found.early, found.share, found.interval) == (2, 1, None, None)
    assert share_text(found) == "1/3 by the 1st evaluation"
    assert "at its first evaluation already in 1 of 3 seeds: no mean" in sentence(found)


def test_before_the_first_evaluation_nothing_is_known() -> None:
    found = only(grid({"concat": falling(0.1), "add": falling(0.4)}))
    assert (found.early, found.share, share_text(found)) == (3, None, "3/3 by the 1st evaluation")
    assert "at its first evaluation already" in sentence(found)


def test_shares_without_spread_or_with_one_seed_have_no_interval() -> None:
    assert only(grid({"concat": falling(0.1), "add": falling(0.2)})).interval is None
    single = only(grid({"concat": falling(0.1), "add": falling(0.2)}, seeds=1))
    assert (single.share, single.interval) == (pytest.approx(math.sqrt(2) / 3), None)


def test_higher_is_better_where_the_metric_says_so() -> None:
    made = grid({"concat": falling(-0.1), "add": falling(-0.2)}, metric="recall_1k_k3")
    assert only(made).share == pytest.approx(math.sqrt(2) / 3)
    assert steps_to_quality(grid({"concat": falling(0.1), "add": falling(0.2)}, metric="own")) == []


def test_one_evaluation_makes_no_curve() -> None:
    assert steps_to_quality(grid({"concat": falling(0.1), "add": falling(0.2)}, at=[LAST])) == []


def test_equal_macs_are_those_that_the_cheapest_arm_spends() -> None:
    curves = {"concat": falling(0.10, wobble=0.001), "add": falling(0.12, wobble=0.0004), "none": falling(0.09)}
    made = grid(curves, macs={"concat": 2 * 10**9, "add": 3 * 10**9, "none": 2 * 10**9})
    found = view(made, "macs")
    assert found.at == pytest.approx({"concat": 3000, "add": 2000, "none": 3000})
    assert "6.000T MACs, all that concat spends" in found.budget
    add = found.of("add")
    assert add is not None and add.difference == pytest.approx((1 - 0.24) - (1 - 0.30))
    steps = compared(made)
    assert (steps.comparisons[0].verdict, add.verdict) == ("better", "worse")  # dearer than it is better
    none, declared = found.of("none"), steps.comparisons[1]
    assert none is not None and (none.difference, none.sd) == (declared.difference, declared.sd)  # costs the same
    assert view(made, "steps").comparisons == steps.comparisons


def test_equal_time_is_steps_by_the_median_profiled_step() -> None:
    curves = {"concat": falling(0.1), "add": falling(0.12, wobble=0.001), "none": falling(0.12)}
    timed = {
        arm: {"timing": {"median_s": 32 / rate, "imgs_per_s": rate}}
        for arm, rate in (("concat", 1600.0), ("add", 800.0))
    }
    made = grid(curves, profiles=timed)
    found = view(made, "time")
    assert found.at == pytest.approx({"concat": 3000, "add": 1500})
    assert "60.0 s, all that concat takes" in found.budget and "H100" in found.budget
    assert found.missing == {"none": "not profiled in this setting"}
    none = found.of("none")
    assert none is not None and (none.verdict, none.note) == (None, "not profiled in this setting")
    assert found.values["add"][1] == pytest.approx(1 - 0.18)


def test_profiles_of_the_trainings_own_batch_size_come_first() -> None:
    curves = {"concat": falling(0.1), "add": falling(0.2)}
    made = grid(curves, profiles={arm: {} for arm in curves})
    larger = profile("concat", batch_size=256, timing={"median_s": 0.1, "imgs_per_s": 2560.0})
    arms = [dataclasses.replace(arm, profiles=(larger, *arm.profiles)) for arm in made.arms]
    assert "train bfloat16 ×32 on" in view(dataclasses.replace(made, arms=tuple(arms)), "time").budget


def test_without_profiles_the_view_names_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    found = view(grid({"concat": falling(0.1), "add": falling(0.2)}), "time")
    assert not found.exists and found.why_none is not None
    command = found.why_none.partition("to measure them: ")[2]
    chosen = "--grid skip --preset uvit-micro-deep/4 --dataset photos --mode train --batch-sizes 32"
    assert command == f"uvit profile {chosen} --out DIR"
    assert cli.main([*command.split()[1:-1], "nowhere", "--help"]) == 0  # every option is one of the command
    assert "--batch-sizes" in capsys.readouterr().out


def test_the_command_profiles_images_of_the_trainings_size() -> None:
    made = grid({"concat": falling(0.1), "add": falling(0.2)})
    arms = []
    for arm in made.arms:
        records = [dataclasses.replace(r, training=r.training | {"image_size": 16}) for r in arm.records]
        cells = [dataclasses.replace(c, record=r) for c, r in zip(arm.cells, records, strict=True)]
        arms.append(dataclasses.replace(arm, cells=tuple(cells)))
    found = view(dataclasses.replace(made, arms=tuple(arms)), "time")
    assert "--dataset photos --image-size 16 --mode train" in (found.why_none or "")


def test_nothing_is_read_before_the_first_evaluation() -> None:
    made = grid({"concat": falling(0.1), "add": falling(0.2)}, at=[LAST], macs={"add": 3 * 10**9})
    found = view(made, "macs")
    assert found.values["add"] == {}
    assert found.missing["add"] == "needed at step 1,000, before its first evaluation (step 3,000)"
    assert found.of("add").verdict is None  # type: ignore[union-attr]


def test_the_views_on_the_page_and_in_files() -> None:
    curves = {"concat": falling(0.1, wobble=0.001), "add": falling(0.12, wobble=0.0004)}
    made = grid(curves, macs={"concat": 2 * 10**9, "add": 3 * 10**9})
    text = document(Findings(grids=[made], loose=[], problems=[]), {})
    for part in (
        "equal training MACs",
        "finding (exploratory)",
        "2,000",
        "uvit profile --grid skip",
        "worse",
        "better",
    ):
        assert part in text
    said = grid_report(made)
    rows = {row["arm"]: row for row in said.arm_rows}
    row = rows["add"]
    assert (row["equal macs step"], row["equal macs finding"]) == (pytest.approx(2000), "worse")
    assert row["steps_to_quality"] == pytest.approx(0.817, abs=0.01)
    assert (row["steps_to_quality n_reached"], row["steps_to_quality n_early"]) == (3, 0)
    assert set(rows["concat"]) == set(row)
    lines = said.budget_lines
    assert lines[0].startswith("at equal training MACs (6.000T MACs, all that concat spends; exploratory): worse: add")
    assert lines[-1].startswith("add needs 0.82× the baseline's steps [")


def test_arms_of_one_cost_are_said_to_be_equal() -> None:
    made = grid({"concat": falling(0.1), "add": falling(0.12, wobble=0.001)})
    assert "equal training MACs: as at equal steps, for all arms cost the same" in grid_report(made).budget_remarks


def test_nothing_is_shown_before_there_is_a_score() -> None:
    made = grid(
        {"concat": falling(0.1), "add": falling(0.2)},
        pending=[(arm, seed) for arm in ("concat", "add") for seed in range(3)],
    )
    said = grid_report(made)
    assert (said.analysis.budgets, said.budgets, said.budget_lines) == ((), None, ())
    assert not [name for row in said.arm_rows for name in row if name.startswith(("equal ", "steps_to_quality"))]
