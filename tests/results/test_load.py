"""``results.load``: a row a score."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pytest

import results
from results import Store
from results.paper import panels, reference
from tests.reports.simulated import FD, cell_scores, manifest, record, skip_run, write_grid

ASKED = [
    *("grid", "train_id", "variant", "arm", "preset", "dataset", "budget", "seed", "status", "step", "weights"),
    *("metric", "value", "params", "macs", "wall_s", "extractor", "count"),
]


def test_a_row_a_score(tmp_path: Path) -> None:
    skip_run(tmp_path)
    frame = results.load(tmp_path)
    assert list(frame.columns) == ASKED
    assert len(frame) == sum(len(r.scores) for r in Store(tmp_path).records()[0])
    last = frame[(frame.metric == FD) & (frame.step == 3000) & (frame.arm == "add") & (frame.seed == 1)]
    assert last[["grid", "extractor", "count", "dataset", "weights"]].values.tolist() == [
        ["skip", "effnet-lite0", 1000, "photos", "ema"]
    ]
    assert last.value.item() == next(s.value for s in record("add", 1).scores if s.step == 3000 and s.metric == FD)
    assert frame.attrs["problems"] == []


def test_a_failed_cell_is_one_row(tmp_path: Path) -> None:
    Store(tmp_path).write(record("add", 0, status="oom", error="out of memory", scores=[]))
    (row,) = results.load(tmp_path).to_dict("records")
    assert row["status"] == "oom"
    assert row["arm"] == "uvit-micro-deep/4+skip=add"
    assert all(pd.isna(row[name]) for name in ("grid", "metric", "value", "step", "weights", "wall_s"))


def test_a_cell_that_two_grids_share_has_rows_in_each(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(record("concat", 0, scores=cell_scores("concat", 0, [3000])))
    for name in ("skip", "paper"):
        write_grid(store, name, manifest(name=name))
    frame = results.load(tmp_path)
    assert sorted(frame.grid.unique()) == ["paper", "skip"]
    assert len(frame) == 2 * len(cell_scores("concat", 0, [3000]))


def test_several_folders_and_no_row_twice(tmp_path: Path) -> None:
    skip_run(tmp_path / "a", seeds=[0])
    skip_run(tmp_path / "b", seeds=[1])
    both = results.load([tmp_path / "a", tmp_path / "b"])
    assert set(both.seed) == {0, 1}
    assert len(results.load([str(tmp_path / "a"), tmp_path / "a"])) == len(results.load(tmp_path / "a"))


def test_a_damaged_record_is_named_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = skip_run(tmp_path, seeds=[0])
    broken = store.record_path(record("add", 0).train_id)
    broken.write_text("{")
    with caplog.at_level(logging.WARNING, "uvit"):
        frame = results.load(tmp_path)
    assert set(frame.arm) == {"concat", "linear_sum", "linear_skip", "none"}
    assert len(frame.attrs["problems"]) == 1
    assert broken.name in frame.attrs["problems"][0]
    assert broken.name in caplog.text


@pytest.mark.parametrize("place", ["missing", "empty", "file"])
def test_no_records_is_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty" / "records").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=str(tmp_path / place)) as caught:
        results.load(tmp_path / place)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="at least one output folder"):
        results.load([])


def test_the_papers_figures() -> None:
    frame = reference()
    assert len(frame) == 643
    assert set(frame.verified) == {"yes", "recalled"}
    (skip,) = panels("Fig2a")
    assert skip.axis == "skip"
    assert skip.values == {"concat": 5.78, "linear_sum": 6.16, "linear_skip": 7.56, "add": 8.99, "none": 8.46}
    assert [p.name for p in panels("Fig. 2(b)")] == ["Fig2b"]
    assert [p.axis for p in panels("Fig2+Fig3")] == ["skip", "time", "conv_head", "patch_embed", "pos_embed"]
    assert panels("Fig2e")[0].values == {"learned_1d": 5.74, "sincos_2d": 7.2}
    assert panels("Fig3") == panels("") == panels("Table 1") == []
