"""R of grids with planted curves: what it is read off, what it recovers, and when there is none."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from reports.analysis.speed_pairs import SpeedPairs, speed_pairs
from reports.views.find import find
from reports.views.grid import GridView
from results import Record, Store
from tests.reports.planted import compared
from tests.reports.simulated import identity, loss_card, score, speed_losses, speed_record, speed_run

BASE = (1.0, 1.02, 0.98)


def grid(store: Store) -> GridView:
    (found,) = find(store.root).grids
    return found


def pairs(store: Store) -> SpeedPairs:
    return speed_pairs(grid(store))


def with_evaluations(record: Record, ratio: float, steps: list[int]) -> Record:
    """The cell with validation losses at ``steps`` that are the losses of `speed_losses` there."""
    losses = {point["step"]: point["loss"] for point in speed_losses(ratio)}
    scores = [score(record.train_id, step, "raw", "val_loss", losses[step], loss_card()) for step in steps]
    return dataclasses.replace(record, scores=scores)


def test_planted_ratios_are_recovered(tmp_path: Path) -> None:
    true = {"none": (1.24, 1.3, 1.2), "add": (0.8, 0.9, 0.85)}
    found = pairs(speed_run(tmp_path, {"concat": BASE, **true}))
    assert (found.curve, found.why_none) == ("train_loss", None)
    for arm, ratios in true.items():
        expected = [ratio / base for ratio, base in zip(ratios, BASE, strict=True)]
        assert [each.ratio for each in found.ratios[arm].values()] == pytest.approx(expected)
        assert [each.ratio for each in found.late[arm].values()] == pytest.approx(expected, rel=5e-3)
        assert list(found.ratios[arm]) == [100, 101, 102]
    none = compared(grid(Store(tmp_path))).comparisons[0]
    assert none.difference == pytest.approx(sum(math.log(a / b) for a, b in zip(true["none"], BASE, strict=True)) / 3)
    assert none.late == pytest.approx(none.difference, abs=5e-3) and none.bounds == 0


def test_curves_that_never_meet_give_a_bound(tmp_path: Path) -> None:
    store = speed_run(tmp_path, {"concat": BASE, "none": BASE})
    flat = [{"step": step, "loss": 0.99} for step in range(50, 3001, 50)]
    for seed in (100, 101, 102):
        store.write(speed_record("none", seed, 1.0, losses=flat))
    found = compared(grid(store)).comparisons[0]
    assert (found.bounds, found.n_pairs) == (3, 3) and found.difference is not None and found.difference > 3


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"prediction": "v"}, "prediction is eps in some arms and v in others"),
        ({"times": "shifted"}, "times is shifted in some arms and uniform in others"),
        ({"weighting": "min_snr"}, "weighting is"),
        ({"loss_space": "x0"}, "loss_space is"),
        ({"condition": "label"}, "condition is"),
        ({"p_uncond": 0.1}, "p_uncond is 0.0 in some arms and 0.1 in others"),
        ({"process": "flow"}, "process is"),
    ],
)
def test_training_losses_of_other_quantities_do_not_compare(tmp_path: Path, changes: Any, told: str) -> None:
    store = speed_run(tmp_path, {"concat": BASE, "none": BASE}, training={"none": changes})
    found = pairs(store)
    assert found.why_none is not None and told in found.why_none and "at 16 even steps or more" in found.why_none
    comparison = compared(grid(store))
    assert told in (comparison.why_none or "") and comparison.endpoint is None
    assert not any(c.is_open for c in comparison.comparisons), "no seed mends it"


@pytest.mark.parametrize(("train", "curve"), [(32_000, "train_loss"), (31_999, "val_loss"), (None, "train_loss")])
def test_losses_of_images_seen_more_than_three_times_do_not_serve(
    tmp_path: Path, train: int | None, curve: str
) -> None:
    store = speed_run(tmp_path, {"concat": BASE, "none": BASE})
    for arm in ("concat", "none"):
        for seed in (100, 101, 102):
            card = {"name": "photos", "fingerprint": "ef" * 32} | ({} if train is None else {"train": train})
            store.write(speed_record(arm, seed, 1.0, dataset=card))
    assert pairs(store).curve == curve


EVEN = list(range(150, 3001, 150))  # 20 steps


@pytest.mark.parametrize(
    ("steps", "used"),
    [
        (EVEN, True),
        (list(range(200, 3001, 200)), False),  # 15
        ([*range(150, 2851, 150), 2900], True),  # the last sooner
        ([50, *EVEN], False),
        (EVEN[1:], False),
    ],
)
def test_validation_losses_serve_where_there_are_sixteen_even_ones(
    tmp_path: Path, steps: list[int], used: bool
) -> None:
    ratios = {"concat": 1.0, "none": 1.25}
    store = speed_run(tmp_path, {"concat": BASE, "none": BASE}, training={"none": {"times": "shifted"}})
    for arm, ratio in ratios.items():
        for seed in (100, 101, 102):
            own = {"steps": 3000, "batch_size": 32} | ({"times": "shifted"} if arm == "none" else {})
            cell = speed_record(arm, seed, ratio, training=own)
            store.write(with_evaluations(cell, ratio, sorted(set(steps))))
    found = pairs(store)
    assert (found.why_none is None) == used
    if used:
        assert found.curve == "val_loss"
        assert [each.ratio for each in found.ratios["none"].values()] == pytest.approx([1.25] * 3, rel=0.05)


def test_a_short_or_broken_curve_is_no_pair(tmp_path: Path) -> None:
    store = speed_run(tmp_path, {"concat": BASE, "none": (1.2, 1.2, 1.2), "add": (0.8, 0.8, 0.8)})
    store.write(speed_record("none", 100, 1.2, losses=speed_losses(1.2)[:15]))
    store.write(speed_record("none", 101, 1.2, losses=[*speed_losses(1.2)[:-1], {"step": 3000, "loss": 0.0}]))
    store.write(speed_record("none", 102, 1.2, status="diverged", error="loss is nan"))
    none, add = compared(grid(store)).comparisons
    assert (none.n_pairs, none.verdict, none.failed, add.n_pairs) == (0, None, 1, 3)
    assert none.note == "1 of 3 seeds failed; 2 seeds without a curve to compare; 0 pairs of seeds: no interval"


def test_a_declared_step_ends_the_curves(tmp_path: Path) -> None:
    endpoint = {"metric": "speed", "weights": "raw", "step": 1500, "margin": 1.1}
    store = speed_run(tmp_path, {"concat": BASE, "none": (1.3, 1.3, 1.3)}, endpoint=endpoint)
    late = [*speed_losses(1.3)[:30], *({"step": point["step"], "loss": 0.9} for point in speed_losses(1.3)[30:])]
    for seed in (100, 101, 102):
        store.write(speed_record("none", seed, 1.3, losses=late))
    found = pairs(store)
    assert [each.ratio for each in found.ratios["none"].values()] == pytest.approx([1.3 / base for base in BASE])
    assert identity("none", 100) == grid(store).arms[1].cells[0].train_id
