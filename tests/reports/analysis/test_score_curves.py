"""Scores against steps: each seed, their mean and range, the floor, and the paper's own curves beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.analysis.paper import paper_curves
from reports.analysis.score_curves import loss_panel, panels
from reports.views.find import find
from reports.views.grid import GridView
from results import Store
from tests.reports.simulated import FD, linear_filter, manifest, record, skip_run, write_grid


@pytest.fixture(scope="module")
def skip(tmp_path_factory: pytest.TempPathFactory) -> GridView:
    folder = tmp_path_factory.mktemp("skip")
    skip_run(folder, seeds=range(3))
    return find(folder).grids[0]


def value(arm: str, seed: int, step: int) -> float:
    wanted = (step, FD, "ema")
    found = next(s.value for s in record(arm, seed).scores if (s.step, s.metric, s.weights) == wanted)
    assert found is not None
    return found


def test_curves_have_each_seed_their_mean_and_range(skip: GridView) -> None:
    distance, loss = panels(skip)
    assert (distance.metric.name, distance.weights, distance.floor) == (FD, "ema", 21.43)
    assert (loss.metric.name, loss.is_endpoint, loss.floor) == ("val_loss", True, None)
    add = next(curve for curve in distance.curves if curve.arm.name == "add")
    expected = [value("add", seed, 2000) for seed in range(3)]
    (_, mean, low, high) = next(point for point in add.band() if point[0] == 2000)
    assert mean == pytest.approx(sum(expected) / 3)
    assert (low, high) == (min(expected), max(expected))
    assert (2000, expected[1]) in add.seeds[1]


def test_the_papers_curves_stand_beside(skip: GridView) -> None:
    (beside,) = paper_curves(skip)
    assert (beside.panel.name, beside.panel.metric) == ("Fig2a", "fid_10k")
    assert "digitised" in beside.panel.source
    concat = beside.by_arm["concat"]
    assert (concat[0], concat[-1][1]) == ((100_000, 13.7), 5.78)
    assert beside.by_arm["add"][0][0] == 150_000  # off the paper's axis before


def test_training_loss(skip: GridView) -> None:
    panel = loss_panel(skip)
    assert panel is not None and panel.metric.name == "train_loss"
    assert next(curve for curve in panel.curves if curve.arm.name == "add").seeds[0] == [(1000, 0.07)]


def test_before_the_first_score(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_grid(store, "skip", manifest())
    store.write(record("add", 0, status="oom", scores=[], losses=[]))
    grid = find(tmp_path).grids[0]
    assert (panels(grid), loss_panel(grid)) == ([], None)


def beside_losses(root: Path, *processes: str, trained: tuple[str, str] = ("vp", "vp")) -> list[float | None]:
    """The filter's loss beside the validation losses of two arms, in a folder with a filter of each process."""
    store = skip_run(root, seeds=[0], arms=["concat", "add"])
    for arm, process in zip(("concat", "add"), trained, strict=True):
        store.write(record(arm, 0, training={"steps": 3000, "batch_size": 32, "process": process}))
    for process in processes:
        made = linear_filter(held_out_fingerprint="ef" * 32, process=process, loss=[0.08, 0.04, 0.02, 0.02])
        store.write_linear_filter(made)
    (grid,) = find(store.root).grids
    return [panel.linear for panel in panels(grid) if panel.metric.kind == "loss"]


def test_validation_losses_have_the_linear_filter_of_their_images_and_process_beside_them(tmp_path: Path) -> None:
    assert beside_losses(tmp_path / "own", "vp") == [pytest.approx(0.04)]
    assert beside_losses(tmp_path / "none") == [None]
    assert beside_losses(tmp_path / "other", "sd") == [None], "of another process"
    both = beside_losses(tmp_path / "two", "vp", "sd", trained=("vp", "sd"))
    assert both == [None], "two arms with a filter each have no line in common"
    half = beside_losses(tmp_path / "half", "vp", trained=("vp", "sd"))
    assert half == [None], "the other arm compares with none"


def test_no_other_score_has_a_linear_filter_beside_it(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=[0])
    store.write_linear_filter(linear_filter(held_out_fingerprint="ef" * 32))
    (grid,) = find(store.root).grids
    assert {panel.metric.kind: panel.linear is not None for panel in panels(grid)} == {"frechet": False, "loss": True}
