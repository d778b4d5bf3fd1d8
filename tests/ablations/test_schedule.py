"""The plan of seeds and looks: what counts as having looked, and what an output folder keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ablations.schedule import Schedule, trains_the_same, was_looked_at
from reports.analysis.planned_looks import spending
from results.manifest import LOOKS, Manifest
from results.store import Store
from tests.reports.simulated import manifest as simulated
from tests.reports.simulated import skip_run


def test_the_looks_that_run_are_those_that_are_judged() -> None:
    assert spending() == spending(Schedule.of(first=0, looks=LOOKS).looks)


def test_seeds_follow_from_the_first_and_the_last_look() -> None:
    schedule = Schedule.of(first=100, looks=LOOKS)
    assert schedule.seeds == tuple(range(100, 112)) == schedule.judged
    assert schedule.text() == "seeds 100 to 111, looks at 3, 6 and 12 seeds"
    assert Schedule.of(first=7, looks=(1,)).text() == "seed 7, one look at 1 seed"
    wider = schedule.with_seeds((111, 3, 112))
    assert (wider.seeds[12:], wider.looks, wider.judged) == ((3, 112), LOOKS, schedule.seeds)
    assert wider.text().startswith("seeds 100, 101, 102")
    assert schedule.with_seeds((100, 101)) == schedule


def _manifest(**changes: Any) -> Manifest:
    return Manifest.from_dict(simulated(seeds=range(3)) | changes)


def test_a_manifest_without_a_plan_is_one_look_at_its_seeds() -> None:
    assert Schedule.of_manifest(_manifest()) == Schedule(seeds=(0, 1, 2), looks=(3,))
    planned = _manifest(seeds=[2, 1, 0], looks=[2, 3])
    assert Schedule.of_manifest(planned) == Schedule(seeds=(2, 1, 0), looks=(2, 3))


def test_a_look_is_complete_once_every_cell_has_a_record(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=(0, 1, 2))
    (stored,) = store.grids().values()
    assert was_looked_at(stored, store)
    last = stored.arms[-1].cells[-1]
    store.record_path(last.train_id).unlink()
    assert not was_looked_at(stored, store)
    assert was_looked_at(Manifest.from_dict(stored.to_dict() | {"seeds": [0, 1, 2], "looks": [2, 3]}), store)
    assert not was_looked_at(Manifest.from_dict(stored.to_dict() | {"seeds": [2, 1, 0], "looks": [2, 3]}), store)


def test_one_seed_is_no_look(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=(0,))
    (stored,) = store.grids().values()
    assert not was_looked_at(stored, store)
    assert not was_looked_at(_manifest(), Store(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("change", "same"),
    [({}, True), ({"seed": 9}, True), ({"train_id": "f" * 16}, False), ({"arm": "other"}, False)],
    ids=["equal", "other seeds of the same arm", "another training", "no arm in common"],
)
def test_plans_train_the_same_where_their_common_cells_are_equal(change: dict[str, Any], same: bool) -> None:
    arm = _manifest().arms[0]
    cells = [(change.get("seed", cell.seed + 0), change.get("train_id", cell.train_id)) for cell in arm.cells[:1]]
    assert trains_the_same({change.get("arm", arm.arm): cells}, _manifest()) is same
