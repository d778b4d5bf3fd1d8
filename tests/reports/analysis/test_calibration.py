"""A calibration says what was planted: the level, the spreads, the margins, the seeds that a verdict takes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from statistics import fmean, stdev

import numpy as np
import pytest
from scipy import stats

from reports.analysis import power
from reports.analysis.calibration import calibrate, pooled_sd, power_table, upper_bound
from tests.reports.calibrated import SEEDS, STEPS, calibration_cells, filter_of_twenty

ALL_BELOW = [-0.3, -0.2, -0.2, -0.1, -0.1]
NOISY_ABOVE = [-0.3, -0.2, -0.2, -0.1, 0.4]
CLEAN_BELOW = [-0.3, 0.1, 0.2, 0.4, 0.8]
ALL_ABOVE = [0.05, 0.1, 0.2, 0.4, 0.8]


def by_seed(skill: Sequence[float], sd: float = 0.01, seeds: Sequence[int] = SEEDS) -> dict[int, list[float]]:
    """The same skill at every seed, but for noise that moves all bins of a seed alike."""
    noise = sd * np.random.default_rng(7).standard_normal(len(seeds))
    return {seed: [x + float(more) for x in skill] for seed, more in zip(seeds, noise, strict=True)}


def logs(sd: float, *, mean: float = 0.0, key: int = 0) -> dict[int, float]:
    return {s: mean + sd * float(z) for s, z in zip(SEEDS, np.random.default_rng(key).standard_normal(5), strict=True)}


def bound(values: Sequence[float]) -> float:
    return float(fmean(values) + stats.t.ppf(0.95, len(values) - 1) * stdev(values) / math.sqrt(len(values)))


@pytest.mark.parametrize(
    ("skill", "level"), [(ALL_BELOW, "A"), (NOISY_ABOVE, "B"), (CLEAN_BELOW, "C"), (ALL_ABOVE, "none")]
)
def test_the_level_is_that_of_the_planted_skill(skill: list[float], level: str) -> None:
    record = calibrate(calibration_cells(by_seed(skill)))
    assert record.level == level
    assert record.log_skill == pytest.approx([x + record.log_skill[0] - skill[0] for x in skill for _ in range(4)])


@pytest.mark.parametrize(("sd", "level"), [(0.02, "A"), (0.2, "none")])
def test_a_mean_below_the_filter_is_not_enough(sd: float, level: str) -> None:
    """Two seeds: t(0.95; 1) is 6.3, so that a bound lies 4.5 standard deviations above the mean."""
    skill = {1000: [-0.1 + sd / 2] * 5, 1001: [-0.1 - sd / 2] * 5}
    assert calibrate(calibration_cells(skill)).level == level


def test_means_and_bounds_are_those_of_the_seeds() -> None:
    skill = by_seed(NOISY_ABOVE, sd=0.05)
    record, known = calibrate(calibration_cells(skill)), filter_of_twenty()
    for i, found in enumerate(record.bins):
        own = [values[i] for values in skill.values()]
        assert (found.mean, found.upper) == pytest.approx((fmean(own), bound(own)))
    geometric = [fmean(values) for values in skill.values()]
    assert (record.geometric.mean, record.geometric.upper) == pytest.approx((fmean(geometric), bound(geometric)))
    shares = np.array(known.loss) / sum(known.loss)
    arithmetic = [math.log(sum(s * math.exp(own[i // 4]) for i, s in enumerate(shares))) for own in skill.values()]
    assert (record.arithmetic.mean, record.arithmetic.upper) == pytest.approx((fmean(arithmetic), bound(arithmetic)))


def test_a_bound_is_passed_by_the_truth_in_one_calibration_of_twenty() -> None:
    draws = np.random.default_rng(0).standard_normal((4000, 5))
    assert np.mean([upper_bound(row) > 0 for row in draws.tolist()]) == pytest.approx(0.95, abs=0.01)


def test_spreads_are_those_of_the_pairs_pooled_over_challengers() -> None:
    ratios = {"add": logs(0.03, mean=0.1, key=1), "none": logs(0.09, mean=0.3, key=2)}
    skills = {"add": logs(0.02, mean=-0.1, key=3), "none": logs(0.04, key=4)}
    record = calibrate(calibration_cells(by_seed(ALL_BELOW, sd=0.3), ratios, arm_skill=skills))
    pooled = [math.sqrt(fmean([stdev(own.values()) ** 2 for own in each.values()])) for each in (ratios, skills)]
    assert record.speed_sd == pytest.approx(pooled[0], rel=0.02)
    assert record.skill_sd == pytest.approx(pooled[1])
    assert record.repeat_sd is None


def test_over_many_seeds_the_planted_spread_comes_back() -> None:
    seeds = range(1000, 1200)
    draws = 0.04 * np.random.default_rng(5).standard_normal(200)
    ratios = {"none": dict(zip(seeds, draws.tolist(), strict=True))}
    record = calibrate(calibration_cells(by_seed(ALL_BELOW, seeds=seeds), ratios))
    assert record.speed_sd == pytest.approx(0.04, rel=0.1)


def test_groups_count_by_their_degrees_of_freedom() -> None:
    assert pooled_sd([[0.0, 2.0], [0.0, 0.0, 0.0, 0.0]]) == pytest.approx(math.sqrt(2 / 4))
    assert pooled_sd([[1.0], []]) is None


def test_the_repeat_spread_is_that_of_one_training() -> None:
    """Of two trainings whose log R differs by d, each has spread d / sqrt 2."""
    ratios = {"none": logs(0.05, mean=0.2)}
    repeats = [
        (arm, seed, log)
        for arm in ("concat", "none")
        for seed, log in zip(SEEDS, (0.01, -0.02, 0.03, 0.01), strict=False)
    ]
    record = calibrate(calibration_cells(by_seed(ALL_BELOW), ratios, repeats=repeats))
    assert record.repeat_sd == pytest.approx(math.sqrt(fmean([d**2 for _, _, d in repeats]) / 2), rel=0.02)


def test_a_repeat_that_failed_or_is_of_another_cell_says_nothing() -> None:
    cells = calibration_cells(by_seed(ALL_BELOW), repeats=[("concat", 1000, 0.02), ("concat", 1001, 0.5)])
    failed = dataclasses.replace(cells.repeats[1], status="diverged")
    other = dataclasses.replace(cells.repeats[1], train_id="0" * 16)
    found = calibrate(dataclasses.replace(cells, repeats=[cells.repeats[0], failed, other])).repeat_sd
    assert found == pytest.approx(0.02 / math.sqrt(2), rel=0.05)


@pytest.mark.parametrize(("sd", "margin"), [(0.02, 1.10), (0.2, 1.25)])
def test_margins_follow_the_spread_and_the_slope(sd: float, margin: float) -> None:
    record = calibrate(calibration_cells(by_seed(ALL_BELOW), {"none": logs(sd)}, slope=-0.3))
    assert record.speed_margin == margin
    assert record.skill_margin == pytest.approx(0.3 * math.log(margin), rel=1e-3)


def test_the_margin_asks_for_as_many_comparisons_as_the_grid_has() -> None:
    """A spread between the limits of one arm and of eight."""
    ratios = {"none": {seed: 0.085 * z for seed, z in zip(SEEDS, (-1.2, -0.6, 0.0, 0.6, 1.2), strict=True)}}
    assert calibrate(calibration_cells(by_seed(ALL_BELOW), ratios, challengers=1)).speed_margin == 1.10
    assert calibrate(calibration_cells(by_seed(ALL_BELOW), ratios, challengers=8)).speed_margin == 1.25


def test_what_nothing_measures_is_null_and_the_margin_the_wide_one() -> None:
    record = calibrate(calibration_cells(by_seed(ALL_BELOW)))
    assert (record.speed_sd, record.skill_sd, record.repeat_sd, record.skill_margin) == (None,) * 4
    assert (record.speed_margin, record.seeds_for_power) == (1.25, {})


def test_seeds_for_power_are_those_of_the_two_questions() -> None:
    table = power_table(0.04, 4)
    narrow, wide = math.log(1.10), math.log(1.25)
    for ratio, margin in (("1.10", narrow), ("1.25", wide)):
        apart, within = table[f"different by {ratio}"], table[f"equivalent within {ratio}"]
        assert apart is not None and within is not None
        assert power.difference_power(margin, 0.04, apart, 4) >= 0.8
        assert power.equivalence_power(0.0, 0.04, within, 4, margin=margin) >= 0.8
        assert apart == 2 or power.difference_power(margin, 0.04, apart - 1, 4) < 0.8
        assert within == 2 or power.equivalence_power(0.0, 0.04, within - 1, 4, margin=margin) < 0.8
    assert set(power_table(9.0, 4).values()) == {None}
    assert set(power_table(0.0, 4).values()) == {2}


def test_the_record_says_what_it_is_of_and_its_id_moves_with_that() -> None:
    cells = calibration_cells(by_seed(ALL_BELOW), {"none": logs(0.03)}, slope=-0.3)
    record = calibrate(cells)
    assert (record.budget, record.preset, record.grid) == ("cpu", "uvit-micro-deep/4", "skip")
    assert (record.variant, record.seeds) == ("uvit-micro-deep/4+concat", list(SEEDS))
    assert record.training == {"steps": STEPS, "batch_size": 32}
    assert record.dataset["name"] == "photos"
    assert len(record.cells) == 5 + 5 + 3 and record.cells == sorted(record.cells)
    assert record.provenance["versions"] and "tuned_on" not in record.provenance
    told = dataclasses.replace(cells.plan, more={**cells.plan.more, "tuned_on": "seeds 2000 to 2002"})
    assert calibrate(dataclasses.replace(cells, plan=told)).provenance["tuned_on"] == "seeds 2000 to 2002"
    assert calibrate(cells).calibration_id == record.calibration_id
    fewer = calibrate(calibration_cells(by_seed(ALL_BELOW, seeds=SEEDS[:3])))
    other = calibrate(dataclasses.replace(cells, plan=dataclasses.replace(cells.plan, name="patch")))
    assert len({record.calibration_id, fewer.calibration_id, other.calibration_id}) == 3


def test_a_missing_cell_and_missing_levels_are_named() -> None:
    cells = calibration_cells(by_seed(ALL_BELOW), {"none": logs(0.03)})
    (lost, *_) = [r for r in cells.records.values() if r.options == {"skip": "none"}]
    for records in (
        {key: r for key, r in cells.records.items() if r is not lost},
        {**cells.records, lost.train_id: dataclasses.replace(lost, status="diverged")},
    ):
        with pytest.raises(ValueError, match=f"expected every cell, got none finished of none seed {lost.seed}; run"):
            calibrate(dataclasses.replace(cells, records=records))
    for known in (filter_of_twenty(held_out_fingerprint="0" * 64), filter_of_twenty(process="sd")):
        with pytest.raises(
            ValueError, match=r"expected the EMA val_loss at 20 noise levels .* process after 3000 steps, got"
        ):
            calibrate(dataclasses.replace(cells, linear_filter=known))


def test_one_seed_is_too_few() -> None:
    with pytest.raises(ValueError, match="expected at least 2 seeds, got 1 seed"):
        calibrate(calibration_cells(by_seed(ALL_BELOW, seeds=SEEDS[:1])))
