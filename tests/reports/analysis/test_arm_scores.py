"""One score an arm: the mean of its seeds, the interval of that mean, and what it cost."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from reports.analysis.arm_scores import ArmScores, endpoint_scores
from reports.analysis.grid_analysis import analyse
from reports.analysis.pareto import pareto_front, tradeoffs
from reports.analysis.sizes import scalings
from reports.analysis.summary import interval95
from reports.views.find import find
from reports.views.grid import GridView
from results import Store
from tests.reports.simulated import FD, manifest, profile, record, score, skip_run, write_grid


@pytest.fixture(scope="module")
def skip(tmp_path_factory: pytest.TempPathFactory) -> GridView:
    """The grid ``skip`` with three seeds, and profiles of three of its arms."""
    folder = tmp_path_factory.mktemp("skip")
    store = skip_run(folder, seeds=range(3))
    for arm, rate in (("concat", 1600.0), ("add", 1700.0), ("none", 1750.0)):
        store.write_profile(profile(arm, timing=profile(arm).timing | {"imgs_per_s": rate}))
    return find(folder).grids[0]


def test_scores_carry_an_interval_of_the_mean_and_their_card(skip: GridView) -> None:
    loss, distance = analyse(skip).scores
    assert loss.is_endpoint and (loss.column.metric, loss.floor) == ("val_loss", None)
    assert (distance.column.metric, distance.floor, distance.card["sampler"]) == (FD, 21.43, "dpm_solver")
    none = next(point for point in distance.points if point.arm.name == "none")
    values = [
        s.value
        for seed in range(3)
        for s in record("none", seed).scores
        if (s.step, s.metric, s.weights) == (3000, FD, "ema") and s.value is not None
    ]
    assert list(none.seeds.values()) == values
    half = 4.302653 * statistics.stdev(values) / 3**0.5  # t quantile of two degrees of freedom
    assert none.interval == pytest.approx((none.mean - half, none.mean + half), rel=1e-6)
    assert interval95([1.0]) is None


def test_tradeoffs_mark_the_front(skip: GridView) -> None:
    analysis = analyse(skip)
    costs = {t.name: t for t in tradeoffs(skip, analysis.costs, of_endpoint(skip))}
    assert list(costs) == ["macs", "params", "train imgs_per_s"]
    params = costs["params"]
    assert params.front == {"add", "linear_sum", "concat"}
    assert {p.arm.name: params.scale * cost for cost, p in params.points}["concat"] == pytest.approx(0.798304)
    assert "NVIDIA H100" in costs["train imgs_per_s"].how


def test_the_pareto_front_knows_directions() -> None:
    points = [(1.0, 5.0), (2.0, 3.0), (3.0, 4.0), (3.0, 1.0), (1.0, 5.0)]
    assert pareto_front(points, "lower", "lower") == [0, 1, 3, 4]  # equal points stand side by side
    assert pareto_front(points, "higher", "lower") == [3]
    assert pareto_front(points, "lower", "none") == []


def of_endpoint(grid: GridView) -> ArmScores:
    scores = endpoint_scores(analyse(grid).scores)
    assert scores is not None
    return scores


def depth_grid(root: Path, *, sizes: dict[str, int] | None) -> GridView:
    """Three depths around a baseline of 13 blocks, two seeds each."""
    store = Store(root)
    arms = []
    for number, (name, options) in enumerate(
        [("default", {}), ("depth=9", {"depth": "9"}), ("depth=17", {"depth": "17"})]
    ):
        cells = [{"seed": seed, "train_id": f"{16 * number + seed:016x}"} for seed in (0, 1)]
        variant = "uvit-micro-deep/4" + "".join(f"+{k}={v}" for k, v in options.items())
        arms.append({"arm": name, "variant": variant, "cells": cells})
        for cell in cells:
            points = [score(cell["train_id"], 3000, "raw", "val_loss", 0.06 - number / 1000, {"count": 9})]
            store.write(record("concat", cell["seed"], train_id=cell["train_id"], variant=variant, options=options,
                               scores=points))  # fmt: skip
    if sizes is not None:
        arms[0]["sizes"] = sizes
    write_grid(store, "depth", manifest() | {"name": "depth", "baseline": "default", "reference": "Fig3", "arms": arms})
    return find(root).grids[0]


def test_scaling_takes_the_baselines_size_from_the_manifest(tmp_path: Path) -> None:
    (depth,) = scalings(of_endpoint(depth_grid(tmp_path, sizes={"depth": 13, "width": 64, "patch": 4})))
    assert [(x, p.arm.name) for x, p in depth.points] == [(9, "depth=9"), (13, "default"), (17, "depth=17")]
    assert depth.baseline is None


def test_a_baseline_of_unknown_size_is_a_level(tmp_path: Path) -> None:
    (depth,) = scalings(of_endpoint(depth_grid(tmp_path, sizes=None)))
    assert [x for x, _ in depth.points] == [9, 17]
    assert depth.baseline is not None and depth.baseline.arm.name == "default"


def test_before_the_first_score(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_grid(store, "skip", manifest())
    store.write(record("add", 0, status="oom", scores=[], losses=[]))
    scores = analyse(find(tmp_path).grids[0]).scores
    assert scores == ()
    assert endpoint_scores(scores) is None
