"""A run from Python: one call, and nothing that it asks for is made twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ablations.commands.plugins
import ablations.commands.run
import ablations.planning
import results
from ablations import GridRequest, load_grid, make_plan, run_grid
from ablations.grid import Grid
from reports import compose, find
from results import Store

TINY = ["training.steps=2", "training.batch_size=2", "evaluation.samples=0", "evaluation.every=0"]


def _tiny(out: Path, **more: Any) -> GridRequest:
    return GridRequest(
        grid="skip", budget="smoke", device="cpu", out=out, jobs=1, threads=1, settings=TINY, **more
    )  # fmt: skip


def test_a_grid_runs_from_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, code = run_grid(_tiny(tmp_path / "out"))
    assert (folder, code) == (tmp_path / "out", 0)
    records, problems = Store(folder).records()
    assert len(records) == 5 and not problems
    manifest = Store(folder).grids()["skip"]
    assert {cell.train_id for arm in manifest.arms for cell in arm.cells} == {record.train_id for record in records}
    plan, _ = make_plan(_tiny(tmp_path / "unused"))
    assert {prepared.train_id for prepared in plan.cells} == {record.train_id for record in records}
    assert not (tmp_path / "unused").exists()
    run_grid(_tiny(tmp_path / "out"))
    assert capsys.readouterr().err.count("already finished") == 5


def test_repeats_are_trained_once_and_no_report_has_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_grid(_tiny(tmp_path))
    before = compose(find(tmp_path))
    capsys.readouterr()
    _, code = run_grid(_tiny(tmp_path, repeats=6, track="tensorboard"))
    told = capsys.readouterr().err
    assert (code, told.count("already finished"), told.count("[11/11]")) == (0, 5, 1)
    assert "uvit-micro/4 seed 0 repeat 2: " in told
    plan, _ = make_plan(_tiny(tmp_path))
    ids = [prepared.train_id for prepared in plan.cells]
    repeats, problems = Store(tmp_path).repeats()
    assert not problems
    assert sorted((each.train_id, each.repeat) for each in repeats) == sorted([(i, 1) for i in ids] + [(ids[0], 2)])
    assert len(Store(tmp_path).records()[0]) == 5
    assert sorted(path.name for path in (tmp_path / "tensorboard").iterdir()) == sorted(each.name for each in repeats)
    assert compose(find(tmp_path)) == before
    assert set(results.load(tmp_path).seed) == {0}
    run_grid(_tiny(tmp_path, repeats=6))
    assert capsys.readouterr().err.count("already finished") == 11
    with pytest.raises(ValueError, match="--repeats: expected at least 0, got -1"):
        run_grid(_tiny(tmp_path, repeats=-1))


def test_grid_dataset_and_arms_are_resolved_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Counter[str]()

    def counted(place: Any, name: str, key: Callable[..., str] = lambda *args, **more: "") -> None:
        original = getattr(place, name)

        def counting(*args: Any, **more: Any) -> Any:
            asked[name + key(*args, **more)] += 1
            return original(*args, **more)

        monkeypatch.setattr(place, name, counting)

    counted(ablations.commands.run, "load_grid")
    counted(ablations.planning, "load_cached_dataset")
    counted(ablations.planning, "condition_of")
    counted(ablations.planning, "size_arms")
    counted(ablations.commands.run, "unfinished")
    counted(Grid, "arms", lambda grid, preset, image_size, **more: f" at {image_size} pixels")
    run_grid(_tiny(tmp_path / "out", seeds=2))
    once = ("load_grid", "load_cached_dataset", "condition_of", "size_arms", "unfinished")
    # at the usual size before the dataset is looked for, then at its own
    assert asked == dict.fromkeys((*once, "arms at 32 pixels", "arms at 16 pixels"), 1)


def test_plugins_are_loaded_before_anything_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Path] = []
    monkeypatch.setattr(ablations.commands.plugins, "load_plugin", loaded.append)
    with pytest.raises(ValueError, match="unknown grid 'skp'"):
        make_plan(GridRequest(grid="skp", plugins=[Path("mine.py")]))
    with pytest.raises(ValueError, match="--jobs: expected at least 0, got -1"):
        run_grid(GridRequest(grid="skp", jobs=-1, plugins=[Path("other.py")]))
    assert loaded == [Path("mine.py"), Path("other.py")]


def test_the_package_hands_out_what_it_promises_and_imports_it_late() -> None:
    assert load_grid("skip").name == "skip"
    for name in ablations.__all__:
        assert getattr(ablations, name).__name__ == name
    assert set(dir(ablations)) == set(ablations.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'run_grids'"):
        getattr(ablations, "run_grids")  # noqa: B009
    code = (
        "import sys, ablations; ablations.GridRequest; ablations.load_grid; "
        "sys.exit(bool({'torch', 'ablations.commands.run', 'bench'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
