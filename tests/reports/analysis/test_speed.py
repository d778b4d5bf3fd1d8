"""Speed: R of two loss curves is what its definition promises, on any curves."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.speed import LATE, last_at_or_above, loss_points, mean_log_loss, speed_ratio

PUBLISHED = Path(__file__).parents[3] / "results" / "published" / "photos-cpu"

Losses = list[tuple[float, float]]

loss = st.floats(1e-4, 3.0)
skipped = st.sampled_from([0.0, LATE])


@st.composite
def curves(draw: st.DrawFn, *, last: int = 400, least: int = 1) -> Losses:
    """Losses at any steps up to ``last``: unequal intervals are what missing points leave."""
    steps = draw(st.sets(st.integers(1, last - 1), min_size=least - 1, max_size=12)) | {last}
    return [(float(step), draw(loss)) for step in sorted(steps)]


def at_every(interval: float, losses: list[float]) -> Losses:
    return [(interval * (i + 1), each) for i, each in enumerate(losses)]


@given(curves(), curves(), skipped)
def test_the_two_curves_change_places(arm: Losses, baseline: Losses, skip: float) -> None:
    one, other = speed_ratio(arm, baseline, skipped=skip), speed_ratio(baseline, arm, skipped=skip)
    assert one.log_ratio == pytest.approx(-other.log_ratio, abs=1e-12)
    assert speed_ratio(arm, arm, skipped=skip).log_ratio == 0


@given(curves(least=2), curves(least=2), skipped)
def test_the_sign_is_that_of_the_mean_log_losses(arm: Losses, baseline: Losses, skip: float) -> None:
    difference = mean_log_loss(arm, skipped=skip)[-1][1] - mean_log_loss(baseline, skipped=skip)[-1][1]
    found = speed_ratio(arm, baseline, skipped=skip).log_ratio
    assert (found > 0, found < 0) == (difference > 0, difference < 0) or abs(difference) < 1e-9


@given(st.lists(loss, min_size=4, max_size=24), st.integers(1, 5), skipped)
def test_it_is_exact_where_one_curve_is_the_other_slowed_down(losses: list[float], times: int, skip: float) -> None:
    """L_a(k) = L_b(k/R), where a's last step is one of b's points times R, and b falls there."""
    reached = max(2, len(losses) // times)
    end = float(len(losses))
    seen = [*losses[: reached - 1], 1e-5]
    falling = [*seen, *(1e-9 for _ in losses[reached:])]
    slow = [(end * (i + 1) / reached, each) for i, each in enumerate(seen)]
    found = speed_ratio(slow, at_every(1.0, falling), skipped=skip)
    assert found.ratio == pytest.approx(len(losses) / reached, rel=1e-9)
    assert not found.is_bound


@given(st.floats(1.02, 3.0), st.floats(0.2, 1.5))
def test_between_points_it_is_as_exact_as_a_record_is_fine(times: float, power: float) -> None:
    """Losses k^-power in 200 points: the mean over an interval and the line between points cost little."""

    def record(scale: float) -> Losses:
        return [(float(k), ((k - 8) / scale + 1) ** -power) for k in range(16, 3201, 16)]

    assert speed_ratio(record(20 * times), record(20.0)).log_ratio == pytest.approx(math.log(times), abs=0.01)


@given(curves(), curves(), st.data(), skipped)
def test_a_higher_loss_never_makes_an_arm_faster(arm: Losses, base: Losses, data: st.DataObject, skip: float) -> None:
    which = data.draw(st.integers(0, len(arm) - 1))
    step, old = arm[which]
    worse = [*arm[:which], (step, old * data.draw(st.floats(1.0, 10.0))), *arm[which + 1 :]]
    before, after = (speed_ratio(each, base, skipped=skip).log_ratio for each in (arm, worse))
    assert after >= before - 1e-9


def test_curves_that_never_meet_have_a_bound() -> None:
    found = speed_ratio(at_every(10, [0.9] * 30), at_every(10, [0.1] * 30))
    assert (found.is_bound, found.ratio) == (True, pytest.approx(30))  # at least: the first point is at step 10
    back = speed_ratio(at_every(10, [0.1] * 30), at_every(10, [0.9] * 30))
    assert (back.is_bound, back.ratio) == (True, pytest.approx(1 / 30))
    apart = speed_ratio(at_every(10, [0.9, *[0.5] * 29]), at_every(10, [0.9, *[0.1] * 29]))
    assert not apart.is_bound and apart.ratio > 5  # never meet after the first point, and no bound is needed


@given(loss, loss)
def test_one_point_says_which_is_faster_and_not_by_how_much(own: float, base: float) -> None:
    found = speed_ratio([(50.0, own)], [(50.0, base)])
    assert found.log_ratio == 0
    assert found.is_bound == (min(1.0, own) != min(1.0, base))


@given(curves(last=400, least=3), curves(last=300))
def test_of_unequal_lengths_the_shorter_counts(long: Losses, short: Losses) -> None:
    if long[0][0] > 300:
        with pytest.raises(ValueError, match="the same steps"):
            speed_ratio(long, short)
        return
    found = speed_ratio(long, short)
    assert abs(found.log_ratio) <= math.log(300)
    assert found.log_ratio == pytest.approx(-speed_ratio(short, long).log_ratio, abs=1e-12)
    if any(step == 300 for step, _ in long):
        assert found == speed_ratio([point for point in long if point[0] <= 300], short)


@given(st.lists(loss, min_size=3, max_size=20), st.data())
def test_a_missing_point_gives_its_steps_to_the_next(losses: list[float], data: st.DataObject) -> None:
    gap = data.draw(st.integers(0, len(losses) - 2))
    whole = at_every(16, losses)
    filled = [*losses[:gap], losses[gap + 1], *losses[gap + 1 :]]
    missing = [*whole[:gap], *whole[gap + 1 :]]
    assert mean_log_loss(missing)[-1][1] == pytest.approx(mean_log_loss(at_every(16, filled))[-1][1])


@given(curves(), curves())
def test_a_loss_over_one_counts_as_one(arm: Losses, baseline: Losses) -> None:
    clipped = [[(step, min(1.0, each)) for step, each in curve] for curve in (arm, baseline)]
    assert speed_ratio(arm, baseline) == speed_ratio(*clipped)


@given(curves(least=2))
def test_the_late_mean_is_over_the_last_two_thirds(losses: Losses) -> None:
    fine: list[float] = []
    for step, each in losses:
        fine += [min(0.0, math.log(each))] * int(step - len(fine))
    end = len(fine)
    thirds = [value for value in fine for _ in range(3)]
    assert mean_log_loss(losses)[-1][1] == pytest.approx(sum(fine) / end, abs=1e-9)
    assert mean_log_loss(losses, skipped=LATE)[-1][1] == pytest.approx(sum(thirds[end:]) / (2 * end), abs=1e-9)


def test_the_last_time_at_a_level_counts() -> None:
    curve = [(10.0, 0.0), (20.0, -2.0), (30.0, -1.0), (40.0, -3.0)]
    assert last_at_or_above(curve, -1.0).step == 30
    assert last_at_or_above(curve, -2.0).step == pytest.approx(math.sqrt(30 * 40))  # half way in log steps
    assert last_at_or_above(curve, -9.0).step == 40
    assert last_at_or_above(curve, 1.0).step == 10 and last_at_or_above(curve, 1.0).is_bound


@pytest.mark.parametrize(
    ("losses", "message"),
    [([], "rising steps"), ([(0, 0.5)], "rising steps"), ([(2, 0.5), (2, 0.4)], "rising steps"),
     ([(1, 0.0)], "positive numbers"), ([(1, math.nan)], "positive numbers")],
)  # fmt: skip
def test_losses_that_are_no_curve_are_refused(losses: Losses, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        speed_ratio(losses, [(1.0, 0.5)])


def test_the_published_records_say_what_the_documents_say() -> None:
    manifest = json.loads((PUBLISHED / "grids" / "skip.json").read_text())
    cells = {(arm["arm"], cell["seed"]): cell["train_id"] for arm in manifest["arms"] for cell in arm["cells"]}

    def losses(arm: str, seed: int) -> Losses:
        return loss_points(json.loads((PUBLISHED / "records" / f"{cells[arm, seed]}.json").read_text())["losses"])

    pairs = [(losses("none", seed), losses("concat", seed)) for seed in (0, 1)]
    assert [round(speed_ratio(*pair).ratio, 3) for pair in pairs] == [1.204, 1.288]
    assert [round(speed_ratio(*pair, skipped=LATE).ratio, 3) for pair in pairs] == [1.244, 1.326]
    assert not any(speed_ratio(*pair).is_bound for pair in pairs)
