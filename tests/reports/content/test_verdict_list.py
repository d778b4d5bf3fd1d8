"""``uvit verdict``: a line an arm, plain values for scripts, and an exit code that says whether to go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cli
import reports
from results import Store
from tests.reports.simulated import manifest, skip_run, speed_run, write_grid

ONES = (1.0, 1.01, 0.99)
FAST = (0.80, 0.81, 0.80)
SLOW = (1.3, 1.31, 1.29)
NEAR = (1.16, 1.02, 0.98)

FIELDS = ["grid", "block", "arm", "baseline", "metric", "verdict", "ratio", "difference", "interval", "seeds",
          "seeds_needed", "cost", "scope", "reason"]  # fmt: skip


def told(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    code = cli.main(["verdict", str(root)])
    return code, capsys.readouterr().out.splitlines()


def test_all_resolved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = speed_run(tmp_path, {"concat": ONES, "add": FAST, "none": SLOW})
    code, lines = told(store.root, capsys)
    assert code == 0 and len(lines) == 3
    assert lines[0].startswith(
        "skip: add needs 0.80 times the steps of concat [0.80, 0.81]: better; 3 seeds; MACs −11.6%; params −12.3%"
    )
    assert lines[1].startswith("skip: 'none' needs 1.30 times the steps of concat [1.2") and "]: worse;" in lines[1]
    assert lines[2].startswith("skip, scope: photos, preset uvit-micro-deep/4, 3,000 steps of 32 images")
    assert "look 1 of 1 (3 seeds), error rate 5% over the grid's 2 comparisons" in lines[2]
    assert "validity level B" in lines[2] and "moves log R by 0.010 (SD)" in lines[2]
    assert lines[2].endswith("nothing is said of other data, learning rates or longer training")


def test_some_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = told(speed_run(tmp_path, {"concat": ONES, "add": FAST, "none": NEAR}).root, capsys)
    assert code == 3
    assert ": unresolved over 3 paired seeds; 3 seeds; about " in lines[1] and "would resolve it" in lines[1]
    waiting = speed_run(tmp_path / "w", {"concat": ONES, "add": [*FAST[:2], None]})
    code, lines = told(waiting.root, capsys)
    assert code == 3 and "still to come" in lines[0] and len(lines) == 1


def test_none_possible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = told(speed_run(tmp_path, {"concat": ONES, "add": FAST}, calibrated=False).root, capsys)
    assert code == 4
    assert "]: no verdict; 3 seeds;" in lines[0] and "uvit calibrate cpu" in lines[0]
    code, lines = told(speed_run(tmp_path / "one", {"concat": ONES[:1], "add": FAST[:1]}).root, capsys)
    assert code == 4 and "one seed cannot tell" in lines[0]


def test_plain_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = speed_run(tmp_path, {"concat": ONES, "add": FAST, "none": NEAR})
    assert cli.main(["verdict", str(store.root), "--json"]) == 3
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert rows == reports.verdicts(store.root)
    assert [list(row) for row in rows] == [FIELDS] * 2
    add, none = rows
    assert (add["verdict"], add["seeds"], add["seeds_needed"], add["baseline"]) == ("better", 3, None, "concat")
    assert add["interval"][0] < add["ratio"] < add["interval"][1] < 1
    assert add["cost"] == {"macs": pytest.approx(-0.1159, abs=1e-4), "params": pytest.approx(-0.1231, abs=1e-4)}
    assert none["verdict"] == "unresolved" and none["seeds_needed"] > 3


def test_other_endpoints_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = told(skip_run(tmp_path, seeds=(0, 1, 2)).root, capsys)
    verdicts = [row["verdict"] for row in reports.verdicts(tmp_path)]
    assert code == (3 if "unresolved" in verdicts else 0)
    assert any(line.startswith("skip: add +0.005") and " val loss against concat [+0.00" in line for line in lines)
    row = next(row for row in reports.verdicts(tmp_path) if row["arm"] == "add")
    assert row["ratio"] is None and row["difference"] == pytest.approx(0.005, abs=5e-4)


def test_blocks_stand_in_the_values(tmp_path: Path) -> None:
    store = speed_run(tmp_path, {"eps/concat": ONES, "eps/none": SLOW})
    (row,) = reports.verdicts(store.root)
    assert (row["block"], row["arm"], row["baseline"]) == ("eps", "eps/none", "eps/concat")


def test_of_a_silent_grid_of_blocks_each_arm_has_its_blocks_reason(tmp_path: Path) -> None:
    ratios = {"eps/concat": ONES, "eps/none": SLOW, "v/concat": ONES, "v/none": SLOW}
    v = {"steps": 3000, "batch_size": 32, "prediction": "v"}
    training = {arm: v for arm in ratios if arm[0] == "v"}
    eps, other = reports.verdicts(speed_run(tmp_path, ratios, training=training, calibrated=False).root)
    assert eps["reason"].startswith("eps of budget cpu is not calibrated") and "v of budget" not in eps["reason"]
    assert other["reason"].startswith("v of budget cpu is not calibrated") and "eps of" not in other["reason"]


def test_a_folder_without_a_grid_is_a_wrong_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verdict", str(tmp_path / "none")]) == 2
    store = skip_run(tmp_path)
    (tmp_path / "grids" / "skip.json").unlink()
    assert cli.main(["verdict", str(store.root)]) == 2
    assert "expected a grid in" in capsys.readouterr().err


def test_open_arms_are_those_that_a_later_look_may_resolve(tmp_path: Path) -> None:
    seeds, plan = range(100, 106), {"looks": [3, 6]}
    store = speed_run(tmp_path, {"concat": [None] * 6, "add": [None] * 6, "none": [None] * 6}, seeds=seeds, **plan)
    assert reports.open_arms(store.root, "skip") == ["add", "none"], "before anything is there"
    speed_run(tmp_path, {"concat": ONES, "add": FAST, "none": NEAR}, seeds=seeds, **plan)
    assert reports.open_arms(store.root, "skip") == ["none"]
    steady = {"concat": [*ONES, *ONES], "add": FAST, "none": [*NEAR, 1.0, 1.01, 1.02]}
    speed_run(tmp_path, steady, seeds=seeds, **plan)
    assert reports.open_arms(store.root, "skip") == [], "no look is left"


def test_where_no_verdict_can_be_had_no_arm_is_open(tmp_path: Path) -> None:
    seeds = range(100, 106)
    ratios = {"concat": ONES, "add": FAST}
    store = speed_run(tmp_path, ratios, seeds=seeds, looks=[3, 6], calibrated=False)
    assert reports.open_arms(store.root, "skip") == []


def test_the_name_of_another_grid_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_grid(store, "skip", manifest())
    with pytest.raises(ValueError, match=r"grid 'skp': expected one that is in the folder \(skip\)"):
        reports.open_arms(tmp_path, "skp")
