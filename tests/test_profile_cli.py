"""``uvit profile`` as a user meets it: black box, in a temporary directory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import chdir, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import cli
from ablations.commands.profile import make_jobs
from ablations.commands.requests import ProfileRequest
from bench.profile import jobs as running
from bench.profile.peaks import measured_peak
from bench.profile.world import World
from results import Store
from variants import create_model

TINY = ["--image-size", "8", "--channels", "3", "--rounds", "2", "--batch-sizes", "2"]


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """The exit code and what ``--json`` prints, without a process of its own."""
    code = cli.main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_counts_are_the_papers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["profile", "uvit-s/2", "--mode", "count"]) == 0  # photos are 32×32×3, like CIFAR10
    text = capsys.readouterr().out
    assert re.search(r"uvit-s/2\s+counts\s+44\.26M\s+12\.20", text), text
    assert "closed form, flop_counter and fvcore agree within 1% on uvit-s/2" in text
    [record] = Store(tmp_path / "runs/profile").profiles()[0]
    assert (record.counts["params"], round(2 * record.counts["macs"] / 1e9, 1)) == (44_255_328, 24.4)


def test_a_latent_network_with_labels_is_described_by_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latents = ["--image-size", "32", "--channels", "4", "--num-classes", "1000", "--null-label"]
    code, [record] = _json(capsys, "profile", "uvit-micro/4", "--mode", "count", *latents, "--out", str(tmp_path))
    assert code == 0
    assert (record["network"]["image_size"], record["network"]["channels"]) == (32, 4)
    rows = create_model("uvit-micro/4", image_size=32, channels=4, num_classes=1001, device="meta")
    assert record["counts"]["params"] == sum(parameter.numel() for parameter in rows.parameters())


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grid of two arms, profiled in every mode, with one batch that no machine holds."""
    folder = tmp_path_factory.mktemp("profile")
    (folder / "pair.toml").write_text('question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat", "none"]\n')
    arguments = ["--grid", "pair.toml", "--preset", "uvit-micro/4", *TINY, "--batch-sizes", "2,1000000000"]
    with chdir(folder), (folder / "stdout.txt").open("w") as text, redirect_stdout(text):
        assert cli.main(["profile", *arguments, "--mode", "train,sample", "--nfe", "2", "--out", "out"]) == 1
    return folder


def test_out_of_memory_is_a_row_and_the_exit_code_says_so(measured: Path) -> None:
    records, problems = Store(measured / "out").profiles()
    assert problems == []
    assert len(records) == 8
    assert {(r.batch_size, r.status) for r in records} == {(2, "ok"), (10**9, "oom")}
    text = (measured / "stdout.txt").read_text()
    assert "uvit-micro/4+skip=none" in text
    assert "records: out/profiles" in text
    assert not list((measured / "out/profiles").glob("*uvit*"))  # names come from ids alone


def test_a_report_shows_profiles_without_torch(measured: Path) -> None:
    code = "import sys, cli; cli.main(['report', 'out']); sys.exit('torch' in sys.modules)"
    root = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=measured, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "train float32 ×2" in done.stdout
    assert (measured / "out/report/tables/profiles.csv").is_file()


def test_measuring_again_replaces_the_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert _json(capsys, "profile", "uvit-micro/4", *TINY, "--out", str(tmp_path))[0] == 0
    [path] = (tmp_path / "profiles").iterdir()
    assert path.stem == json.loads(path.read_text())["profile_id"]


def test_switches_add_a_row_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "measured_peak", partial(measured_peak, seconds=0.05))
    switches = ["--channels-last", "--cuda-graphs", "--gradient-checkpointing", "--measure-peak", "--mode", "train"]
    code, records = _json(capsys, "profile", "uvit-micro/4", *TINY, *switches, "--out", str(tmp_path))
    rows = [[name for name, on in record["setting"].items() if on is True] for record in records]
    assert rows == [[], ["channels_last"], ["cuda_graphs"], ["gradient_checkpointing"]]
    assert [record["status"] for record in records] == ["ok", "ok", "error", "ok"]
    assert "need a CUDA GPU" in records[2]["error"]
    assert records[0]["efficiency"]["mfu_measured_peak"] > 0
    assert code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected a variant such as uvit-s/2, a checkpoint, or --grid GRID"),
        (["uvit-q/2"], "unknown preset 'uvit-q'"),
        (["uvit-s/3"], "does not divide the 32-pixel image"),
        (["uvit-s/2", "--mode", "dream"], "--mode: expected some of count, forward, train, sample"),
        (["uvit-s/2", "--dtypes", "int8"], "--dtypes: expected some of float32, bfloat16, float16"),
        (["uvit-s/2", "--batch-sizes", "0"], "--batch-sizes: expected auto or whole numbers from 1"),
        (["uvit-s/2", "--batch-sizes", "many"], "--batch-sizes: expected auto or whole numbers from 1"),
        (["uvit-s/2", "--rounds", "0"], "--rounds: expected at least 1"),
        (["uvit-s/2", "--nfe", "0"], "--nfe: expected at least 1"),
        (["uvit-s/2", "--sampler", "dpm_solve"], "did you mean 'dpm_solver'?"),
        (["uvit-s/2", "--preset", "uvit-s/2"], "--preset names the grid's preset"),
        (["--grid", "skp"], "did you mean 'skip'?"),
        (["uvit-s/2", "--image-size", "-1"], "--image-size and --channels"),
        (["uvit-s/2", "--null-label"], "null_label needs classes"),
        (["uvit-s/2", "--device", "abacus"], "is not on this machine"),
        (["uvit-s/2", "--dataset", "nothing"], "unknown dataset"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_request_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert cli.main(["profile", *arguments, "--out", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr().err
    assert captured.count("\n") == 1
    assert message in captured
    assert not (tmp_path / "out").exists()


def test_two_processes_measure_together(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "cli"]
    arguments = ["profile", "uvit-micro/4", *TINY, "--mode", "forward,train", "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "OMP_NUM_THREADS": "1"}
    whole = [*command, *arguments]
    done = subprocess.run(whole, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("records: ") == 1  # one process speaks for all
    records, _ = Store(tmp_path).profiles()
    assert {(r.mode, r.setting["world_size"], r.status) for r in records} == {("forward", 2, "ok"), ("train", 2, "ok")}
    for record in records:
        assert record.timing["imgs_per_s"] == pytest.approx(2 * 2 / record.timing["median_s"])


def test_several_processes_take_sizes_and_no_fresh_ones() -> None:
    place = World(rank=0, size=2)
    for asked in (ProfileRequest(variants=["uvit-micro/4"], fresh=True), ProfileRequest(batch_sizes="auto")):
        with pytest.raises(ValueError, match="auto and --fresh need a single process"):
            make_jobs(asked, place)
    [job] = make_jobs(ProfileRequest(variants=["uvit-micro/4"], image_size=8, channels=3), place)
    assert job.setting.world_size == 2
