"""Skill by noise level: means and ranges over seeds, of the cells that compare with one linear filter."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.analysis.skill_levels import level_panels
from reports.views.find import find
from reports.views.grid import GridView
from results import Store
from tests.reports.simulated import linear_filter, score, speed_record, speed_run

RATIOS = {"concat": (1.0, 1.0), "none": (1.3, 1.31)}
SKILL = {"concat": (-0.10, -0.20), "none": (0.05, 0.15)}


def view(store: Store) -> GridView:
    (grid,) = find(store.root).grids
    return grid


def test_each_arm_has_a_band_over_its_seeds(tmp_path: Path) -> None:
    (panel,) = level_panels(view(speed_run(tmp_path, RATIOS, skill=SKILL)))
    assert [each.arm.name for each in panel.arms] == ["concat", "none"] and panel.step == 3000
    assert panel.arms[0].band() == [pytest.approx((-0.15, -0.20, -0.10))] * 4
    assert panel.reach() == pytest.approx((-0.20, 0.15))
    assert panel.linear_filter.times == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_the_filter_lies_within_reach_though_every_arm_is_better(tmp_path: Path) -> None:
    (panel,) = level_panels(view(speed_run(tmp_path, RATIOS, skill=dict.fromkeys(RATIOS, (-0.3, -0.2)))))
    assert panel.reach() == pytest.approx((-0.3, 0.0))


def test_log_snr_stands_at_its_time(tmp_path: Path) -> None:
    (panel,) = level_panels(view(speed_run(tmp_path, RATIOS, skill=SKILL)))
    assert panel.snr_ticks((4, 1, 0, -4, 9)) == [
        (pytest.approx(0.2), 4), (pytest.approx(0.4), 1), (pytest.approx(0.4 + 0.2 / 3), 0),
        (pytest.approx(0.7), -4),
    ]  # fmt: skip


def test_levels_of_another_step_another_weight_or_a_failed_cell_are_none(tmp_path: Path) -> None:
    store = speed_run(tmp_path, RATIOS, skill=SKILL)
    own = speed_record("none", 101, 1.3, skill=0.15)
    (good,) = own.scores
    for step, weights in ((2000, "ema"), (3000, "raw")):
        moved = [score(own.train_id, step, weights, "val_loss", good.value, good.card)]
        store.write(speed_record("none", 101, 1.3, scores=moved))
        assert [len(each.seeds) for each in level_panels(view(store))[0].arms] == [2, 1]
    store.write(speed_record("none", 101, 1.3, skill=0.15, status="diverged"))
    assert [len(each.seeds) for each in level_panels(view(store))[0].arms] == [2, 1]


def test_without_levels_or_without_a_filter_there_is_none(tmp_path: Path) -> None:
    assert level_panels(view(speed_run(tmp_path / "a", RATIOS))) == []
    store = speed_run(tmp_path / "b", RATIOS, skill=SKILL)
    (tmp_path / "b/linear_filters" / f"{linear_filter(held_out_fingerprint='ef' * 32).linear_filter_id}.json").unlink()
    assert level_panels(view(store)) == []
