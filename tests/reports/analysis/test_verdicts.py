"""Rule 6: what each arm's paired seeds show, and when there is no verdict."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from reports.analysis.verdicts import Comparison
from reports.content.wording import answer, method
from reports.views.grid import GridView
from tests.reports.planted import compared, planted

BASE = [0.050, 0.052, 0.049]
FAR = [b + d for b, d in zip(BASE, (0.0100, 0.0101, 0.0099), strict=True)]
NEAR = [b + d for b, d in zip(BASE, (0.00010, -0.00010, 0.00002), strict=True)]
WILD = [b + d for b, d in zip(BASE, (0.004, -0.005, 0.006), strict=True)]


def only(grid: GridView) -> Comparison:
    (found,) = compared(grid).comparisons
    return found


def only_first(grid: GridView) -> Comparison:
    return compared(grid).comparisons[0]


def test_one_arm_alone_is_the_paired_t_test() -> None:
    found = compared(planted({"concat": BASE, "none": WILD}))
    (none,) = found.comparisons
    differences = [a - b for a, b in zip(WILD, BASE, strict=True)]
    theirs = stats.ttest_rel(WILD, BASE)
    assert (none.p, none.p_holm) == (pytest.approx(theirs.pvalue), pytest.approx(theirs.pvalue))
    assert none.interval == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert (none.se, none.df) == (pytest.approx(stats.sem(differences)), 2)
    assert none.difference == pytest.approx(sum(differences) / 3)
    assert none.effect_size == pytest.approx(none.difference / stats.tstd(differences))
    assert stats.nct.sf(stats.t.ppf(0.975, 2), 2, none.mde / none.se) == pytest.approx(0.8, abs=1e-3)  # type: ignore[operator]
    assert (found.arms[0].summary.n, found.arms[0].arm) == (3, "concat")  # type: ignore[union-attr]
    assert found.arms[0].interval == pytest.approx(stats.t.interval(0.95, 2, sum(BASE) / 3, stats.sem(BASE)))


def test_arms_lend_each_other_variance() -> None:
    found = compared(planted({"concat": BASE, "add": FAR, "none": WILD}, margin=0.02))
    add, none = found.comparisons
    own = [stats.tvar([a - b for a, b in zip(arm, BASE, strict=True)]) for arm in (FAR, WILD)]
    pooled = (2 * own[0] + 2 * own[1]) / 4
    for arm, variance in zip((add, none), own, strict=True):
        assert arm.se == pytest.approx(math.sqrt((4 * pooled + 2 * variance) / 6 / 3))
        assert arm.df == pytest.approx(4 / 1.25)
        half = stats.t.ppf(1 - 0.05 / 4, arm.df) * arm.se
        assert arm.interval == pytest.approx((arm.difference - half, arm.difference + half))  # type: ignore[operator]
        assert arm.p == pytest.approx(2 * stats.t.sf(abs(arm.difference) / arm.se, arm.df))  # type: ignore[operator]
        one_sided = stats.t.sf((0.02 - abs(arm.difference)) / arm.se, arm.df)  # type: ignore[operator]
        assert arm.p_equivalent == pytest.approx(min(1, 2 * one_sided))
    assert (add.p_holm, none.p_holm) == (pytest.approx(2 * add.p), pytest.approx(none.p))  # type: ignore[operator]


def test_an_arm_without_a_score_still_counts() -> None:
    absent: list[float | None] = [None] * 3
    both = only_first(planted({"concat": BASE, "none": WILD, "add": absent}))
    assert both.interval[1] > only_first(planted({"concat": BASE, "none": WILD})).interval[1]  # type: ignore[index]
    assert both.df == 2


def test_an_arm_without_a_spread_lends_none() -> None:
    same = only_first(planted({"concat": BASE, "none": WILD, "add": BASE}))
    assert same.df == 2 and same.se == only_first(planted({"concat": BASE, "none": WILD})).se


@pytest.mark.parametrize(("metric", "verdict"), [("val_loss", "worse"), ("recall_1k_k3", "better"), ("own", None)])
def test_the_metric_says_which_way_is_better(metric: str, verdict: str | None) -> None:
    grid = planted({"concat": BASE, "add": FAR}, metric=metric)
    found = compared(grid)
    assert found.comparisons[0].verdict == verdict
    assert (found.why_none is None) == (verdict is not None)
    assert bool(answer(grid, found)) == (verdict is not None)


def test_equivalence_needs_a_margin_that_was_declared() -> None:
    assert only(planted({"concat": BASE, "add": NEAR})).verdict == "unresolved"
    found = only(planted({"concat": BASE, "add": NEAR}, margin=0.001))
    differences = [a - b for a, b in zip(NEAR, BASE, strict=True)]
    lower = stats.ttest_1samp(differences, -0.001, alternative="greater").pvalue
    upper = stats.ttest_1samp(differences, 0.001, alternative="less").pvalue
    assert found.verdict == "equivalent"
    assert found.p_equivalent == pytest.approx(max(lower, upper))
    both = only(planted({"concat": BASE, "add": FAR}, margin=0.1))
    assert (both.verdict, both.note) == ("equivalent", "a difference, but within the margin")


def test_an_unresolved_arm_says_how_many_seeds_it_needs() -> None:
    grid = planted({"concat": BASE, "none": WILD})
    found = compared(grid)
    comparison = found.comparisons[0]
    assert comparison.verdict == "unresolved"
    assert comparison.seeds_needed is not None and comparison.seeds_needed > 3
    effect = abs(comparison.effect_size)  # type: ignore[arg-type]
    powers = [
        stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, effect * math.sqrt(n))
        for n in (comparison.seeds_needed - 1, comparison.seeds_needed)
    ]
    assert powers[0] < 0.8 <= powers[1]
    assert f"about {comparison.seeds_needed} seeds" in answer(grid, found)
    assert "3 paired seeds" in answer(grid, found)


@pytest.mark.parametrize(
    ("scores", "status", "reason"),
    [
        ({"concat": BASE[:1], "add": FAR[:1]}, {}, "one seed cannot tell"),
        ({"concat": BASE[:2], "add": FAR[:2]}, {("concat", 0): "oom", ("concat", 1): "oom"}, "no finished cell"),
        ({"concat": BASE[:2], "add": FAR[:2]}, {("concat", 0): "oom", ("add", 1): "oom"}, "two finished seeds"),
        ({"concat": BASE}, {}, "baseline alone"),
        ({"concat": [None, None], "add": [0.1, 0.1]}, {}, "two finished seeds"),
    ],
)
def test_no_verdict_and_why(scores: dict, status: dict, reason: str) -> None:  # type: ignore[type-arg]
    grid = planted(scores, status=status)
    found = compared(grid)
    assert reason in (found.why_none or "")
    assert answer(grid, found) == ""
    assert [c.verdict for c in found.comparisons] == [None] * (len(scores) - 1)


def test_an_arm_that_fails_cannot_be_better() -> None:
    higher = {"metric": "recall_1k_k3", "status": {("add", 3): "diverged"}}
    found = only(planted({"concat": [*BASE, 0.05], "add": [*FAR, 0.06]}, **higher))  # type: ignore[arg-type]
    assert (found.verdict, found.failed, found.total, found.n_pairs) == ("unresolved", 1, 4, 3)
    assert "1 of 4 seeds failed" in found.note
    worse = only(planted({"concat": [*BASE, 0.05], "add": [*FAR, 0.06]}, status={("add", 3): "diverged"}))
    assert (worse.verdict, worse.note) == ("worse", "1 of 4 seeds failed")


def test_a_baseline_that_fails_makes_no_arm_worse() -> None:
    found = only(planted({"concat": [*BASE, 0.05], "add": [*FAR, 0.06]}, status={("concat", 3): "diverged"}))
    assert found.verdict == "unresolved"
    assert "baseline failed" in found.note


def test_a_verdict_waits_for_all_seeds() -> None:
    grid = planted({"concat": BASE, "add": FAR, "none": FAR}, pending=[("add", 2)])
    found = compared(grid)
    add, none = found.comparisons
    assert (add.verdict, add.note) == (None, "1 cell to come")
    assert (none.verdict, none.note) == (None, "waits for the look at 3 seeds"), "its variance is the others' too"
    assert add.interval is not None and none.interval is not None
    assert "still to come" in (found.why_none or "") and answer(grid, found) == ""
    assert all(each.is_open for each in found.comparisons)


def test_undertrained_is_of_old_records_and_decides_nothing() -> None:
    scores = {"concat": BASE, "add": FAR}
    plain, marked = (compared(planted(scores, status={("concat", 1): word})) for word in ("ok", "undertrained"))
    assert (marked.why_none, marked.comparisons) == (None, plain.comparisons)


def test_scores_measured_in_another_way_are_never_compared() -> None:
    other = {"none": {"fingerprint": "00" * 32}}
    grid = planted({"concat": BASE, "add": FAR, "none": FAR}, card=other)
    found = compared(grid)
    add, none = found.comparisons
    assert (add.n_pairs, none.n_pairs, none.verdict, none.difference) == (3, 0, None, None)
    assert "3 seeds measured in another way" in none.note


def test_scores_without_any_spread_resolve_nothing() -> None:
    same = only(planted({"concat": BASE, "add": BASE}, margin=0.1))
    assert (same.verdict, same.interval) == ("unresolved", None)
    assert "the same score" in same.note
    shifted = only(planted({"concat": [1.0, 2.0, 3.0], "add": [2.0, 3.0, 4.0]}))
    assert shifted.verdict == "unresolved"


def test_more_arms_ask_for_more() -> None:
    """Of equal spread: arms that are steadier lend more than they ask for."""
    alone = only(planted({"concat": BASE, "none": WILD}))
    absent: list[float | None] = [None] * 3
    among = compared(planted({"concat": BASE, "none": WILD, "add": absent, "linear_sum": absent})).comparisons[0]
    assert among.interval[1] > alone.interval[1]  # type: ignore[index]
    assert among.mde > alone.mde  # type: ignore[operator]


def test_the_answer_names_every_arm() -> None:
    scores = {"concat": BASE, "add": FAR, "none": NEAR, "linear_sum": WILD}
    grid = planted(scores, margin=0.006)
    found = compared(grid)
    said = answer(grid, found)
    assert said.startswith("On val loss (raw weights), add (+0.01000) is worse than concat; none (")
    assert "is equivalent to concat within ±0.00600; linear_sum is unresolved over 3 paired seeds." in said
    assert "paired t over 3 seeds, variances moderated between arms (4 prior" in method(grid, found)
    alone = planted({"concat": BASE, "add": FAR})
    assert "moderated" not in method(alone, compared(alone))
