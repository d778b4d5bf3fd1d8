"""The figures: at a column's width, with names, axes, cards and floor, and the same for the same records."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

import reports
from reports import Rendered, plots
from reports.analysis.score_curves import panels
from reports.content.grid_report import GridReport, grid_report
from reports.views.find import find
from results import Store
from tests.reports.simulated import (
    FORMULAS,
    cell_scores,
    linear_filter,
    manifest,
    profile,
    record,
    skip_run,
    write_grid,
)
from tests.reports.test_render import HOSTILE, figures, page

FORMATS = ("png", "svg", "pdf")


def texts(grid: GridReport) -> dict[str, str]:
    """All texts of each figure of a grid, by figure, without drawing them."""
    return {
        name: "\n".join(text.get_text() for text in figure.findobj(Text))
        for name, figure in plots.figures(grid).items()
    }


def svg_of(figure: Figure) -> str:
    buffer = io.StringIO()
    with rc_context(plots.STYLE):
        figure.savefig(buffer, format="svg")
    return buffer.getvalue()


def only(folder: Path) -> GridReport:
    (grid,) = find(folder).grids
    return grid_report(grid)


@pytest.fixture(scope="module")
def skip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rendered]:
    folder = tmp_path_factory.mktemp("skip")
    store = skip_run(folder)
    for arm, rate in (("concat", 1600.0), ("add", 1700.0)):
        for size in (32, 64):
            timing = profile(arm).timing | {"imgs_per_s": rate + size}
            store.write_profile(profile(arm, batch_size=size, timing=timing))
    return folder, reports.render(folder)


@pytest.fixture(scope="module")
def svg(skip: tuple[Path, Rendered]) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in skip[1].paths if path.suffix == ".svg"}


def test_files(skip: tuple[Path, Rendered]) -> None:
    folder, rendered = skip
    drawn = ["skip", "forest-skip", "bars-skip", "cost-skip", "throughput"]  # no loss: one point is no curve
    found = [path.relative_to(folder / "report").as_posix() for path in rendered.paths if path.parent.name == "plots"]
    assert found == [f"plots/{name}.{suffix}" for name in drawn for suffix in FORMATS]
    assert rendered.paths[0] == folder / "report/report.md"
    assert all(path.is_file() for path in rendered.paths)
    assert rendered.text.endswith(f"report: {folder}/report/report.md\n")
    assert all(f"](plots/{name}.png)" in page(rendered) for name in drawn)
    assert "![Score against training steps, arms of grid skip](plots/skip.png)" in page(rendered)
    assert "![Difference from the baseline with its interval and verdict, arms of grid skip](plots/forest-" in page(
        rendered
    )


def test_every_figure_is_a_column_wide(skip: tuple[Path, Rendered]) -> None:
    for path in skip[1].paths:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert picture.width == 3.3 * 300, path
        if path.suffix == ".pdf":
            assert b"/MediaBox [ 0 0 237.6 " in path.read_bytes(), path  # points


def test_the_curves_name_arms_formulas_metric_and_floor(svg: dict[str, str]) -> None:
    for part in (
        "concat (baseline): Linear([hₘ; hₛ])", "none: hₘ", "FD-1K effnet-lite0", "(lower is better)", "val loss",
        "floor (real images) 21.43", "training steps", "primary endpoint", "EMA weights", "the paper's Figure 2(a)",
    ):  # fmt: skip
        assert part in svg["skip"], part


@pytest.mark.parametrize("name", ["skip", "bars-skip"])
def test_a_sample_score_carries_its_card(svg: dict[str, str], name: str) -> None:
    for part in ("1,000 samples", "dpm_solver 50 NFE", "effnet-lite0 abababab", "n = 2 seeds", "floor 21.43"):
        assert part in svg[name], part


def test_the_forest_has_verdicts_and_how_they_were_reached(svg: dict[str, str]) -> None:
    for part in (
        "Δ val loss: arm minus concat", "← better        worse →", "unresolved", "val loss of raw weights",
        "n = 2 seeds", "(Bonferroni)",
    ):  # fmt: skip
        assert part in svg["forest-skip"], part


def test_throughput_names_device_and_batch_sizes(svg: dict[str, str]) -> None:
    for part in ("NVIDIA H100", "(a) train, bfloat16", ">32<", ">64<", "images/s (higher is better)"):
        assert part in svg["throughput"], part


def test_equal_records_give_equal_files(skip: tuple[Path, Rendered], tmp_path: Path) -> None:
    again = {path.name: path.read_bytes() for path in reports.render(skip[0], tmp_path).paths}
    assert again == {path.name: path.read_bytes() for path in skip[1].paths}


def test_final_scores_only_are_drawn_as_dots(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_grid(store, "skip", manifest(seeds=[0, 1]))
    for arm in FORMULAS:
        for seed in (0, 1):
            store.write(record(arm, seed, scores=cell_scores(arm, seed, [3000])))
    curves = texts(only(tmp_path))["skip"]
    assert "step 3,000" in curves
    assert "linear_sum" in curves


def large_grid(root: Path) -> Store:
    """Eight arms over three axes and the baseline, one seed."""
    store = Store(root)
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
    write_grid(store, "paper", grid | {"name": "paper"})
    return store


def test_a_large_grid_has_a_plot_of_curves_an_axis(tmp_path: Path) -> None:
    large_grid(tmp_path)
    curves = ["paper-skip", "paper-time", "paper-depth"]
    assert list(plots.figures(only(tmp_path))) == [*curves, "bars-paper", "cost-paper", "scaling-paper"]
    rendered = reports.render(tmp_path, plots=False)
    assert "Fig. 2(a, b) of the paper" in page(rendered)
    rows = figures(rendered)
    expected = {"default": "5.78", "skip=add": "8.99", "time=adaln": "7.17", "depth=9": ""}
    assert {arm: rows[arm]["paper fid_10k"] for arm in expected} == expected


def test_curves_do_not_change_their_members(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=["concat"])
    store.write(record("concat", 1, scores=cell_scores("concat", 1, range(250, 1001, 250))))
    loss = next(panel for panel in panels(only(tmp_path).grid) if panel.metric.name == "val_loss")
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
    write_grid(store, "skip", grid)
    for arm in ("concat", "add"):
        store.write(record(arm, 0))
    drawn = {name: svg_of(figure) for name, figure in plots.figures(only(tmp_path)).items()}
    assert all("<script" not in text for text in drawn.values())
    assert all("_&lt;script&gt;" in text for text in drawn.values())
    assert "$\\frac{a$" in drawn["skip"]


def test_nothing_is_drawn_before_the_first_score(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_grid(store, "skip", manifest())
    store.write(record("add", 0, status="oom", scores=[], losses=[]))
    assert plots.draw(only(tmp_path)) == {}
    assert plots.draw_profiles([]) == {}


def test_one_seed_has_no_band_and_no_interval(tmp_path: Path) -> None:
    skip_run(tmp_path, seeds=[0])
    drawn = plots.figures(only(tmp_path))
    assert "forest-skip" not in drawn
    assert not any(axis.collections for axis in drawn["skip"].axes)  # a band is a collection
    whiskers = [line for axis in drawn["bars-skip"].axes for line in axis.lines if line.get_marker() == "|"]
    assert not whiskers


def test_several_seeds_have_a_band_each_and_an_interval(tmp_path: Path) -> None:
    skip_run(tmp_path, seeds=[0, 1])
    drawn = plots.figures(only(tmp_path))
    assert [len(axis.collections) for axis in drawn["skip"].axes] == [5, 5, 0]  # the paper has one seed
    whiskers = [line for line in drawn["bars-skip"].axes[0].lines if line.get_marker() == "|"]
    assert len(whiskers) == 5


def test_the_front_of_costs_is_filled(tmp_path: Path) -> None:
    skip_run(tmp_path, seeds=[0])
    macs, params = plots.figures(only(tmp_path))["cost-skip"].axes
    for axis in (macs, params):
        faces = [line.get_markerfacecolor() for line in axis.lines if line.get_marker() not in (None, "None")]
        assert [face == "white" for face in faces] == [False, False, True, False, True]  # linear_skip and none


def test_the_cells_loss_is_drawn_where_it_has_two_points(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=[0], arms=["concat", "add"])
    losses = [{"step": step, "loss": 0.05 + 1 / step} for step in range(10, 3001, 10)]
    store.write(dataclasses.replace(record("add", 0), losses=losses))
    (axis,) = plots.figures(only(tmp_path))["loss-skip"].axes
    assert max(len(line.get_xdata()) for line in axis.lines) == len(losses)


def test_scores_of_any_size_are_drawn(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=[0], arms=["concat", "add"])
    for arm, factor in (("concat", 0.0), ("add", 1e9)):
        item = record(arm, 0)
        scores = [dataclasses.replace(s, value=None if s.value is None else factor * s.value) for s in item.scores]
        store.write(dataclasses.replace(item, scores=scores))
    drawn = plots.draw(only(tmp_path))
    assert set(drawn) == {f"{name}.{suffix}" for name in ("skip", "bars-skip", "cost-skip") for suffix in FORMATS}


def test_the_linear_filter_is_a_line_in_the_validation_losses(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=[0], arms=["concat", "add"])
    assert "linear filter" not in texts(only(tmp_path))["skip"]
    store.write_linear_filter(linear_filter(held_out_fingerprint="ef" * 32, loss=[0.09, 0.08, 0.05, 0.02]))
    samples, losses = plots.figures(only(tmp_path))["skip"].axes[:2]
    assert "linear filter 0.06000" in [text.get_text() for text in losses.texts]
    assert [0.06, 0.06] in [pytest.approx(list(line.get_ydata())) for line in losses.lines]
    assert not any("linear" in text.get_text() for text in samples.texts)
    low, high = losses.get_ylim()
    assert low < 0.06 < high
