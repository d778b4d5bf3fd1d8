"""From folders to grids: what belongs together, which record stands for a cell, and what a manifest is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.views.find import arms_of, find
from results import Store
from tests.reports.simulated import cell_scores, identity, manifest, profile, record, skip_run, write_grid


def test_folders_of_one_grid_make_one_and_others_stay_apart(tmp_path: Path) -> None:
    skip_run(tmp_path / "a", seeds=[0])
    skip_run(tmp_path / "b", seeds=[1])
    store = skip_run(tmp_path / "c", seeds=[2])
    write_grid(store, "skip", manifest(seeds=[2], budget="short"))
    both, other = find([tmp_path / name for name in "abc"]).grids
    assert (both.name, other.name) == ("skip", "skip-2")
    assert (both.title, other.title) == (f"skip ({tmp_path / 'a'})", f"skip ({tmp_path / 'c'})")
    assert [[cell.seed for cell in arm.cells] for arm in both.arms] == [[0, 1]] * 5
    assert [cell.seed for cell in other.baseline.cells] == [2]


def test_of_two_records_of_a_cell_the_one_that_ended_stands(tmp_path: Path) -> None:
    skip_run(tmp_path / "a", seeds=[0], arms=["concat"])
    few = cell_scores("concat", 0, [250])
    Store(tmp_path / "b").write(record("concat", 0, status="diverged", error="nan"))
    Store(tmp_path / "c").write(record("concat", 0, scores=few))
    (grid,) = find([tmp_path / name for name in "bac"]).grids
    (cell,) = grid.baseline.cells
    assert cell.record is not None and cell.record.survived and len(cell.record.scores) > len(few)


def test_a_grid_says_what_was_declared_and_its_arms_what_is_on_record(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=[0], arms=["concat", "add"])
    store.write_profile(profile("add"))
    own = [{"sampler": "ddim", "nfe": 4}, {"sampler": "ddim", "nfe": 4}]
    endpoint = {"metric": "val_loss", "weights": "raw", "step": "final", "margin": 0.01}
    write_grid(store, "skip", manifest(["concat", "add"], [0, 1], endpoint=endpoint, evaluation={"draws": own}))
    (grid,) = find(tmp_path).grids
    assert (grid.metric.name, grid.weights, grid.margin, grid.step) == ("val_loss", "raw", 0.01, 3000)
    assert (grid.draws("draws"), grid.draws("sweep")) == ([("ddim", 4)], [])
    (add,) = grid.challengers
    assert (add.name, add.count("ok"), len(add.profiles), add.network_size("params")) == ("add", 1, 1, 700_000)
    assert [cell.survivor is None for cell in add.cells] == [False, True]


def test_cells_are_named_by_their_arms(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=[0, 1], arms=["concat", "add"])
    assert arms_of(store.grids().values())[identity("add", 1)] == "add"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere"):
        find(tmp_path / "nowhere")
