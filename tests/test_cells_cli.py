"""``uvit cka`` and ``uvit neighbours`` as a user meets them, on a grid under budget smoke, in this process.

Starting one for each of these would take seconds: torch.
"""

import contextlib
import io
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import cli
from results import Store
from tests.test_cli import PAIR, SMOKE

FEW = ["--images", "16", "--batch", "8", "--t", "0.3,0.7"]


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def uvit(*args: str, cwd: Path) -> Done:
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(cwd)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(list(args))
    finally:
        os.chdir(before)
    return Done(code, out.getvalue(), err.getvalue())


def _refused(result: Done, *texts: str) -> None:
    assert result.returncode == 2, result.stdout + result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("uvit: ")]) == 1
    assert "Traceback" not in result.stderr
    for text in texts:
        assert text in result.stderr


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grid of two arms with checkpoints and without samples."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "pair.toml").write_text(PAIR)
    result = uvit("run", "pair.toml", *SMOKE, "--jobs", "1", "--out", "out", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_arms_of_an_output_folder_become_records_a_picture_and_part_of_the_report(run: Path) -> None:
    result = uvit("cka", "out", *FEW, cwd=run)
    assert result.returncode == 0, result.stderr
    assert "CKA between blocks, concat: neighbouring blocks" in result.stdout
    assert "CKA between blocks, none: neighbouring blocks" in result.stdout
    assert result.stdout.splitlines()[-1] == "picture: out/cka/cka.png"
    assert (run / "out/cka/cka.png").is_file() and (run / "out/cka/cka.svg").is_file()
    records, problems = Store(run / "out").cka()
    assert not problems
    assert {record.train_id for record in records} == {path.name for path in (run / "out/checkpoints").iterdir()}


def test_chosen_arms_and_a_checkpoint_go_where_they_are_told(run: Path) -> None:
    result = uvit("cka", "out", "--arms", "none", *FEW, "--weights", "raw", "--out", "one", cwd=run)
    assert result.returncode == 0, result.stderr
    (record,), _ = Store(run / "one").cka()
    assert (record.variant, record.weights, record.images) == ("uvit-micro/4+skip=none", "raw", 16)
    (file,) = (run / "out/checkpoints" / record.train_id).glob("step-00000004.safetensors")
    assert uvit("cka", str(file), *FEW, "--weights", "raw", "--out", "two", cwd=run).returncode == 0
    (same,), _ = Store(run / "two").cka()
    assert (same.cka_id, same.maps) == (record.cka_id, record.maps)


def test_a_lone_checkpoint_is_compared_under_runs(run: Path) -> None:
    file = next((run / "out/checkpoints").rglob("*.safetensors"))
    (run / "alone").mkdir(exist_ok=True)
    for each in (file, file.with_suffix(".sha256")):
        shutil.copy(each, run / "alone")
    result = uvit("cka", "alone", *FEW, cwd=run)
    assert result.returncode == 0, result.stderr
    assert json.loads(next((run / "runs/cka/cka").glob("*.json")).read_text())["kind"] == "cka"


@pytest.mark.parametrize(
    ("args", "texts"),
    [
        (["nowhere"], ["nowhere: expected a checkpoint, a folder of checkpoints or an output folder"]),
        (["out", "--arms", "nne"], ["no arm 'nne'; did you mean 'none'? known: concat, none"]),
        (["out", "--seed", "5"], ["no arm of seed 5 has a checkpoint"]),
        (["out", "--t", "soon"], ["--t: expected numbers between 0 and 1", "'soon'"]),
        (["out", "--t", "0.5,1"], ["--t: expected times between 0 and 1"]),
        (["out", "--batch", "2"], ["--batch: expected at least 4"]),
        (["out", "--images", "8"], ["--images: expected at least one minibatch of 64, got 8"]),
        (["out", "--weights", "best"], ["--weights: expected one of ema, raw; got 'best'"]),
        (["out", "--device", "tpu"], ["device 'tpu' is not on this machine"]),
        (["pair.toml"], ["pair.toml is not a readable safetensors file"]),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else None,
)
def test_a_wrong_request_is_one_line(run: Path, args: list[str], texts: list[str]) -> None:
    _refused(uvit("cka", *args, cwd=run), *texts)


def test_a_damaged_checkpoint_is_named(run: Path) -> None:
    file = next((run / "out/checkpoints").rglob("step-00000004.safetensors"))
    (run / "broken").mkdir()
    (run / "broken" / file.name).write_bytes(file.read_bytes()[:-100])
    shutil.copy(file.with_suffix(".sha256"), run / "broken")
    _refused(uvit("cka", "broken", *FEW, cwd=run), "is damaged")


COPIES = ["--count", "6", "--nfe", "2", "--training-images", "40", "--neighbours", "2"]


def test_samples_stand_beside_their_nearest_training_images(run: Path) -> None:
    result = uvit("neighbours", "out", "--arms", "concat", *COPIES, cwd=run)
    assert result.returncode == 0, result.stderr
    assert "nearest training images, concat: median distance" in result.stdout
    (record,), problems = Store(run / "out").neighbours()
    assert not problems
    assert (record.count, record.compared, record.nfe, len(record.rows[0])) == (6, 40, 2, 2)
    assert len(record.held_out) == 6
    assert result.stdout.splitlines()[-1] == f"picture: out/neighbours/{record.neighbours_id}-distances.png"
    assert (run / f"out/neighbours/{record.neighbours_id}.png").is_file()
    assert uvit("cka", "out", *FEW, cwd=run).returncode == 0
    assert uvit("report", "out", cwd=run).returncode == 0
    text = (run / "out/report/report.md").read_text()
    assert "pictures/pair-neighbours.png" in text
    assert "plots/cka-pair.png" in text
    for name in ("pictures/pair-neighbours.png", "plots/cka-pair.png", "plots/cka-pair.svg"):
        assert (run / "out/report" / name).is_file()


@pytest.mark.parametrize(
    ("args", "texts"),
    [
        (["nowhere"], ["nowhere: expected a checkpoint"]),
        (["out", "--count", "0"], ["--count: expected at least 1, got 0"]),
        (["out", "--neighbours", "0"], ["--neighbours: expected at least 1, got 0"]),
        (["out", "--nfe", "-1"], ["--nfe", "expected at least 0"]),
        (["out", "--sampler", "magic"], ["unknown sampler 'magic'"]),
        (["out", "--extractor", "magic"], ["unknown extractor 'magic'"]),
        (["out", "--guidance", "2", "--nfe", "2"], ["--guidance: this checkpoint is unconditional"]),
        (["out", "--training-images", "99999999", "--nfe", "2", "--count", "1"], ["a reference of 99999999 images"]),
        (["out", "--training-images", "2", "--nfe", "2", "--count", "1"], ["3 nearest of 2 training images"]),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else None,
)
def test_a_wrong_search_is_one_line(run: Path, args: list[str], texts: list[str]) -> None:
    _refused(uvit("neighbours", *args, cwd=run), *texts)
