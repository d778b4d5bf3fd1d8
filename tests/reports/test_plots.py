"""The plots: at a column's width, with names, axes and floor, and the same for the same records."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import reports
from reports import Rendered
from reports.curves import panels
from reports.frame import find
from results import Store
from tests.reports.simulated import FORMULAS, cell_scores, manifest, record, skip_run
from tests.reports.test_render import HOSTILE, figures, page


@pytest.fixture(scope="module")
def skip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rendered]:
    folder = tmp_path_factory.mktemp("skip")
    skip_run(folder)
    return folder, reports.render(folder)


def test_files(skip: tuple[Path, Rendered]) -> None:
    folder, rendered = skip
    names = ["report.md", "tables/skip.csv", "plots/skip.png", "plots/skip.svg", "index.html"]
    assert rendered.paths == [folder / "report" / name for name in names]
    assert all(path.is_file() for path in rendered.paths)
    assert rendered.text.endswith(f"report: {folder}/report/report.md\n")
    assert "](plots/skip.png)" in page(rendered)
    with Image.open(rendered.paths[2]) as picture:
        assert 3.3 <= picture.width / 300 <= 3.5  # one column of a paper


def test_the_picture_names_arms_formulas_metric_and_floor(skip: tuple[Path, Rendered]) -> None:
    svg = skip[1].paths[3].read_text(encoding="utf-8")
    for part in (
        "concat (baseline): Linear([hₘ; hₛ])", "none: hₘ", "FD-1K effnet-lite0 (lower is better)",
        "val loss (lower is better)", "floor (real images) 21.43", "training steps", "primary endpoint", "EMA weights",
    ):  # fmt: skip
        assert part in svg, part


def test_equal_records_give_equal_files(skip: tuple[Path, Rendered], tmp_path: Path) -> None:
    again = reports.render(skip[0], tmp_path)
    assert [path.read_bytes() for path in again.paths] == [path.read_bytes() for path in skip[1].paths]


def test_final_scores_only_are_drawn_as_dots(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_grid("skip", manifest(seeds=[0, 1]))
    for arm in FORMULAS:
        for seed in (0, 1):
            store.write(record(arm, seed, scores=cell_scores(arm, seed, [3000])))
    svg = next(p for p in reports.render(tmp_path).paths if p.suffix == ".svg").read_text(encoding="utf-8")
    assert "step 3,000" in svg
    assert "training steps" not in svg
    assert "linear_sum" in svg


def test_a_large_grid_has_a_plot_an_axis(tmp_path: Path) -> None:
    store = Store(tmp_path)
    axes = {"skip": ["add", "none", "linear_sum"], "time": ["adaln"], "depth": ["9", "11", "15", "17"]}
    arms = [(f"{axis}={option}", axis, option) for axis, options in axes.items() for option in options]
    grid = manifest(arms=["concat"], seeds=[0], baseline="default", reference="Fig2+Fig3")
    grid["arms"][0]["arm"] = "default"
    for number, (name, axis, option) in enumerate(arms):
        train_id = f"{number:016x}"
        variant = f"uvit-micro-deep/4+{axis}={option}"
        grid["arms"].append({"arm": name, "variant": variant, "cells": [{"seed": 0, "train_id": train_id}]})
        store.write(record("add", 0, train_id=train_id, variant=variant, options={axis: option}))
    store.write(record("concat", 0))
    store.write_grid("paper", grid | {"name": "paper"})
    rendered = reports.render(tmp_path)
    pictures = [path.name for path in rendered.paths if path.suffix == ".png"]
    assert pictures == ["paper-skip.png", "paper-time.png", "paper-depth.png"]
    assert all(f"(plots/{name})" in page(rendered) for name in pictures)
    assert "Fig. 2(a, b) of the paper" in page(rendered)
    rows = figures(rendered)
    expected = {"default": "5.78", "skip=add": "8.99", "time=adaln": "7.17", "depth=9": ""}
    assert {arm: rows[arm]["paper fid_10k"] for arm in expected} == expected


def test_curves_do_not_change_their_members(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=["concat"])
    store.write(record("concat", 1, scores=cell_scores("concat", 1, range(250, 1001, 250))))
    (grid,) = find(tmp_path).grids
    loss = next(panel for panel in panels(grid) if panel.metric.name == "val_loss")
    assert [step for step, *_ in loss.curves[0].band()] == [250, 500, 750, 1000]
    assert loss.is_endpoint and loss.weights == "raw"


def test_without_torch_pandas_or_a_home(tmp_path: Path) -> None:
    skip_run(tmp_path / "run", seeds=[0], arms=["concat", "add"])
    code = (
        "import sys, reports; early = {'matplotlib', 'pandas', 'rich', 'scipy', 'numpy'} & set(sys.modules); "
        "assert not early, early; reports.render(sys.argv[1]); "
        "late = {'torch', 'pandas', 'scipy', 'seaborn', 'variants', 'bench', 'ablations'} & set(sys.modules); "
        "assert not late, late"
    )
    environment = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path / "run")],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_hostile_names_draw_as_text(tmp_path: Path) -> None:
    store = Store(tmp_path)
    grid = manifest(arms=["concat", "add"], seeds=[0])
    grid["arms"][1] |= {"arm": f"_{HOSTILE}", "formula": "$\\frac{a$"}
    store.write_grid("skip", grid)
    for arm in ("concat", "add"):
        store.write(record(arm, 0))
    svg = reports.render(tmp_path).paths[3].read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "_&lt;script&gt;" in svg
    assert "$\\frac{a$" in svg


def test_nothing_is_drawn_before_the_first_score(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_grid("skip", manifest())
    store.write(record("add", 0, status="oom", scores=[]))
    assert [path.name for path in reports.render(tmp_path).paths] == ["report.md", "skip.csv", "index.html"]


def test_scores_of_any_size_are_drawn(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=[0], arms=["concat", "add"])
    for arm, factor in (("concat", 0.0), ("add", 1e9)):
        item = record(arm, 0)
        scores = [dataclasses.replace(s, value=None if s.value is None else factor * s.value) for s in item.scores]
        store.write(dataclasses.replace(item, scores=scores))
    assert len(reports.render(tmp_path).paths) == 5
