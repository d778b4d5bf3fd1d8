"""Our order of arms beside the paper's: signs against the baseline and Kendall's tau."""

from __future__ import annotations

import csv
import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import reports
from reports.analysis.grid_analysis import analyse
from reports.analysis.paper_agreement import Agreement, _pair_signs, _tau_b
from reports.content.notes import paper_notes
from reports.views.grid import GridView
from tests.reports.planted import planted
from tests.reports.simulated import skip_run

# the paper: concat 5.78, linear_sum 6.16, linear_skip 7.56, add 8.99, none 8.46
AS_PAPER = {"concat": 1.0, "linear_sum": 1.1, "linear_skip": 2.0, "add": 4.0, "none": 3.0}


def repeating(made: GridView, reference: str) -> GridView:
    """The same grid as one that repeats the paper's figure ``reference``."""
    return dataclasses.replace(made, manifest=dataclasses.replace(made.manifest, reference=reference))


def grid(means: dict[str, float], *, seeds: int = 3, noise: float = 0.0, metric: str = "val_loss") -> GridView:
    random = np.random.default_rng(0)
    scores = {arm: (mean + noise * random.standard_normal(seeds)).tolist() for arm, mean in means.items()}
    made = planted(scores, metric=metric)
    return repeating(made, "Fig2a")


def agreement(of: GridView) -> Agreement | None:
    return analyse(of).agreement


def note(found: Agreement) -> str:
    """What a report says of it."""
    (line,) = paper_notes(None, found)
    return line


def test_signs_are_against_the_baseline_and_small_differences_of_the_paper_are_ties() -> None:
    found = agreement(grid(AS_PAPER | {"none": 0.5}))
    assert found is not None
    assert found.signs == {"linear_sum": "paper tie", "linear_skip": "same", "add": "same", "none": "opposite"}
    assert "(at step 500,000): 2 of 3 arms" in note(found) and "ties: linear_sum" in note(found)


def test_a_metric_of_which_more_is_better_turns_the_signs() -> None:
    found = agreement(grid({arm: -mean for arm, mean in AS_PAPER.items()}, metric="recall_1k_k3"))
    assert found is not None and set(found.signs.values()) == {"same", "paper tie"}
    assert found.tau == agreement(grid(AS_PAPER)).tau  # type: ignore[union-attr]


def test_tau_is_kendalls_where_ties_are_equal_values() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        ours, theirs = random.integers(0, 4, 6).astype(float), random.integers(0, 4, 6).astype(float)
        expected = stats.kendalltau(ours, theirs, variant="b").statistic
        found = float(_tau_b(_pair_signs(ours), _pair_signs(theirs, tie=0.5)))
        assert found == pytest.approx(expected)


def test_tau_counts_pairs_and_leaves_out_the_papers_ties() -> None:
    found = agreement(grid(AS_PAPER))
    assert found is not None
    paper = {"concat": 5.78, "linear_sum": 6.16, "linear_skip": 7.56, "add": 8.99, "none": 8.46}
    told = [pair for pair in itertools.combinations(paper.values(), 2) if abs(pair[0] - pair[1]) >= 0.5]
    assert len(told) == 9
    assert found.tau == pytest.approx(9 / (9 * 10) ** 0.5)  # all agree, but one pair of ten is a tie there
    assert found.interval == pytest.approx((found.tau, found.tau))  # without noise no seed matters


def test_the_interval_is_over_seeds_drawn_again() -> None:
    found = agreement(grid(AS_PAPER, noise=1.5, seeds=5))
    assert found is not None and found.interval is not None and found.tau is not None
    assert found.interval[0] < found.tau <= found.interval[1] <= 1
    assert "Kendall's τ_b over 5 arms" in note(found) and "95% of resamples of 5 seeds" in note(found)
    assert found == agreement(grid(AS_PAPER, noise=1.5, seeds=5))


def test_one_seed_has_a_tau_without_interval_and_three_arms_have_none() -> None:
    single = agreement(grid(AS_PAPER, seeds=1))
    assert single is not None and single.tau is not None and single.interval is None and "[" not in note(single)
    few = agreement(grid({arm: AS_PAPER[arm] for arm in ("concat", "add", "none")}))
    assert few is not None and few.tau is None and "Kendall" not in note(few)
    assert few.signs == {"add": "same", "none": "same"}


def test_without_a_paper_there_is_nothing_to_agree_with() -> None:
    other = grid(AS_PAPER)
    assert agreement(repeating(other, "")) is None


def test_table_file_and_page_tell_it(tmp_path: Path) -> None:
    made = reports.render(skip_run(tmp_path).root, plots=False)
    page = made.paths[0].read_text(encoding="utf-8")
    assert "sign vs" in page and "paper tie" in page and "Kendall's τ\\_b over 5 arms" in page
    assert "Kendall's τ_b" in " ".join(made.text.split())  # wherever the terminal breaks the line
    path = next(path for path in made.paths if path.suffix == ".csv")
    rows = {row["arm"]: row["paper sign"] for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())}
    assert rows == {"concat": "", "linear_sum": "paper tie", "linear_skip": "same", "add": "same", "none": "same"}
