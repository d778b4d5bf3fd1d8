"""The paper's datasets at the command line: listed, used, and refused in one line where the files are wrong."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench.data import trees
from tests.test_cli import SMOKE, _refused, uvit

GRID = 'question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat"]\n'


def test_they_are_listed(tmp_path: Path) -> None:
    rows = json.loads(uvit("list", "datasets", "--json", cwd=tmp_path).stdout)
    assert {"celeba", "imagenet", "coco"} <= {row["name"] for row in rows}


def test_a_run_trains_on_what_lies_in_the_data_folder(tmp_path: Path) -> None:
    trees.celeba(tmp_path / "data" / "celeba", 20, [0] * 10 + [2] * 10)
    (tmp_path / "one.toml").write_text(GRID)
    result = uvit("run", "one.toml", "--dataset", "celeba", *SMOKE, cwd=tmp_path, UVIT_CACHE=str(tmp_path / "cache"))
    assert result.returncode == 0, result.stderr
    (record,) = (json.loads(path.read_text()) for path in (tmp_path / "runs/one/records").iterdir())
    assert (record["dataset"]["name"], record["dataset"]["train"], record["dataset"]["held_out"]) == ("celeba", 10, 10)


def test_wrong_trees_are_one_line_and_exit_code_2(tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    _refused(uvit("plan", "skip", "--dataset", "imagenet", cwd=tmp_path, UVIT_CACHE=cache), "imagenet not found")
    said = trees.coco(tmp_path / "data" / "coco")["train2014"]
    said["annotations"] = said["annotations"][:1]
    trees.write_captions(tmp_path / "data" / "coco", "train2014", said)
    result = uvit("plan", "skip", "--dataset", "coco", cwd=tmp_path, UVIT_CACHE=cache)
    _refused(result, "captions_train2014.json: no caption for 4", "unpack")
