"""The series behind the plots: plain data, in the units that their axes name, and the right numbers."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from reports.footers import seed_count
from reports.frame import find
from reports.series import profile_series, series
from reports.statistics import interval95
from reports.tradeoffs import pareto_front
from results import Store
from tests.reports.simulated import FD, manifest, profile, record, score, skip_run, write_grid


@pytest.fixture(scope="module")
def skip(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("series")
    store = skip_run(folder, seeds=range(3))
    for arm, rate in (("concat", 1600.0), ("add", 1700.0), ("none", 1750.0)):
        store.write_profile(profile(arm, timing=profile(arm).timing | {"imgs_per_s": rate}))
    data: dict[str, Any] = json.loads(json.dumps(series(find(folder).grids[0]), allow_nan=False))
    return data


def of(arms: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(arm for arm in arms if arm["arm"] == name)


def value(arm: str, seed: int, metric: str, weights: str, step: int = 3000) -> float:
    found = (s.value for s in record(arm, seed).scores if (s.step, s.metric, s.weights) == (step, metric, weights))
    value = next(found)
    assert value is not None
    return value


def test_curves_have_each_seed_their_mean_and_range(skip: dict[str, Any]) -> None:
    distance, loss = skip["curves"]
    assert (distance["metric"], distance["weights"], distance["floor"]) == (FD, "ema", 21.43)
    assert (loss["metric"], loss["endpoint"], loss["floor"]) == ("val_loss", True, None)
    add = of(distance["arms"], "add")
    expected = [value("add", seed, FD, "ema", 2000) for seed in range(3)]
    at = add["steps"].index(2000)
    assert add["mean"][at] == pytest.approx(sum(expected) / 3)
    assert (add["lo"][at], add["hi"][at]) == (min(expected), max(expected))
    assert add["seeds"]["1"][at] == [2000, expected[1]]


def test_scores_carry_an_interval_of_the_mean_and_a_footer(skip: dict[str, Any]) -> None:
    loss, distance = skip["scores"]
    assert loss["endpoint"] and loss["footer"].endswith("n = 3 seeds")
    for part in (
        "FD-1K effnet-lite0 of EMA weights", "1,000 samples", "dpm_solver 50 NFE", "effnet-lite0 abababab",
        "reference photos:train", "n = 3 seeds", "floor 21.43",
    ):  # fmt: skip
        assert part in distance["footer"], part
    values = [value("none", seed, FD, "ema") for seed in range(3)]
    half = 4.302653 * statistics.stdev(values) / 3**0.5  # t quantile of two degrees of freedom
    none = of(distance["arms"], "none")
    assert (none["lo"], none["hi"]) == pytest.approx((none["mean"] - half, none["mean"] + half), rel=1e-6)
    assert interval95([1.0]) is None


def test_tradeoffs_mark_the_front(skip: dict[str, Any]) -> None:
    costs = {found["cost"]: found for found in skip["tradeoffs"]}
    assert list(costs) == ["macs", "params", "train imgs_per_s"]
    assert [arm["arm"] for arm in costs["params"]["arms"] if arm["front"]] == ["add", "linear_sum", "concat"]
    assert of(costs["params"]["arms"], "concat")["x"] == pytest.approx(0.798304)
    assert "NVIDIA H100" in costs["train imgs_per_s"]["how"]


def test_the_pareto_front_knows_directions() -> None:
    points = [(1.0, 5.0), (2.0, 3.0), (3.0, 4.0), (3.0, 1.0), (1.0, 5.0)]
    assert pareto_front(points, "lower", "lower") == [0, 1, 3, 4]  # equal points stand side by side
    assert pareto_front(points, "higher", "lower") == [3]
    assert pareto_front(points, "lower", "none") == []


def test_the_papers_curves_stand_beside(skip: dict[str, Any]) -> None:
    (panel,) = skip["paper"]
    assert (panel["panel"], panel["label"]) == ("Fig2a", "FID-10K")
    assert "digitised" in panel["source"]
    concat = of(panel["arms"], "concat")
    assert (concat["steps"][0], concat["values"][0], concat["values"][-1]) == (100_000, 13.7, 5.78)
    assert of(panel["arms"], "add")["steps"][0] == 150_000  # off the paper's axis before


def test_training_loss(skip: dict[str, Any]) -> None:
    assert skip["losses"]["metric"] == "train_loss"
    assert of(skip["losses"]["arms"], "add")["seeds"]["0"] == [[1000, 0.07]]


def depth_grid(root: Path, *, sizes: dict[str, int] | None) -> Store:
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
            scores = [score(cell["train_id"], 3000, "raw", "val_loss", 0.06 - number / 1000, {"count": 9})]
            store.write(record("concat", cell["seed"], train_id=cell["train_id"], variant=variant, options=options,
                               scores=scores))  # fmt: skip
    if sizes is not None:
        arms[0]["sizes"] = sizes
    write_grid(store, "depth", manifest() | {"name": "depth", "baseline": "default", "reference": "Fig3", "arms": arms})
    return store


def test_scaling_takes_the_baselines_size_from_the_manifest(tmp_path: Path) -> None:
    depth_grid(tmp_path, sizes={"depth": 13, "width": 64, "patch": 4})
    (found,) = series(find(tmp_path).grids[0])["scaling"]
    assert [(arm["x"], arm["arm"]) for arm in found["arms"]] == [(9, "depth=9"), (13, "default"), (17, "depth=17")]
    assert found["baseline"] is None


def test_a_baseline_of_unknown_size_is_a_level(tmp_path: Path) -> None:
    depth_grid(tmp_path, sizes=None)
    (found,) = series(find(tmp_path).grids[0])["scaling"]
    assert [arm["x"] for arm in found["arms"]] == [9, 17]
    assert found["baseline"]["arm"] == "default"


def test_throughput_against_batch_size() -> None:
    timing = {"median_s": 0.02, "p10_s": 0.01, "p90_s": 0.04, "imgs_per_s": 100.0}
    records = [profile("add", batch_size=size, timing=timing) for size in (64, 32)] + [profile("none")]
    (panel,) = profile_series(records)
    assert (panel["mode"], panel["setting"]) == ("train", "bfloat16")
    (line,) = panel["lines"]  # one batch size is no line
    assert (line["batch"], line["lo"], line["hi"]) == ([32, 64], [50.0, 50.0], [200.0, 200.0])


def test_before_the_first_score(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_grid(store, "skip", manifest())
    store.write(record("add", 0, status="oom", scores=[], losses=[]))
    found = series(find(tmp_path).grids[0])
    assert [found[key] for key in ("curves", "losses", "scores", "tradeoffs", "scaling")] == [[], None, [], [], []]


@pytest.mark.parametrize(
    ("counts", "text"), [([3, 3], "n = 3 seeds"), ([1], "n = 1 seed"), ([2, 3, 0], "n = 2–3 seeds"), ([], "")]
)
def test_seed_counts(counts: list[int], text: str) -> None:
    assert seed_count(counts) == text
