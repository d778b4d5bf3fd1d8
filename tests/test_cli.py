"""The command line as a user meets it: black box, in a temporary directory."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import results

UVIT = Path(sys.executable).parent / "uvit"
SMOKE = ["--budget", "smoke", "--threads", "1", "--set", "evaluation.samples=0", "--set", "evaluation.every=0"]
PAIR = 'question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat", "none"]\n'


def uvit(*args: str, cwd: Path, timeout: float = 200, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(UVIT), *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **env},
    )


def _refused(result: subprocess.CompletedProcess[str], *texts: str, code: int = 2) -> None:
    assert result.returncode == code, result.stdout + result.stderr
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert 1 <= len(lines) <= 2, result.stderr
    assert "Traceback" not in result.stderr
    for text in texts:
        assert text in result.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grid of two arms run under budget smoke, with its scores."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "pair.toml").write_text(PAIR)
    result = uvit("run", "pair.toml", "--budget", "smoke", "--seeds", "2", "--out", "out", cwd=folder)
    assert result.returncode == 0, result.stderr
    (folder / "stdout.txt").write_text(result.stdout)
    (folder / "stderr.txt").write_text(result.stderr)
    return folder


def test_run_prints_the_table_and_the_reports_path(finished: Path) -> None:
    text = (finished / "stdout.txt").read_text()
    assert "concat" in text
    assert "none" in text
    assert any(answer in text for answer in ("No verdict", "unresolved", "better", "worse"))
    assert text.splitlines()[-1] == "report: out/report/report.md"
    assert (finished / "out/report/report.md").is_file()
    assert list((finished / "out/report").rglob("*.png"))
    assert list((finished / "out/report").rglob("*.csv"))
    assert "[4/4]" in (finished / "stderr.txt").read_text()


def test_the_store_loads_as_one_tidy_frame(finished: Path) -> None:
    frame = results.load(finished / "out")
    columns = "grid train_id variant arm preset dataset budget seed status step weights metric value params macs wall_s"
    assert set(columns.split()) <= set(frame.columns)
    assert set(frame.arm) == {"concat", "none"}
    assert set(frame.seed) == {0, 1}
    assert "fd_effnet_lite0_16" in set(frame.metric)


def test_the_same_command_skips_finished_cells(finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (finished / "out/records").iterdir()}
    result = uvit("run", "pair.toml", "--budget", "smoke", "--seeds", "2", "--out", "out", cwd=finished)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("already finished") == 4
    assert before == {path: path.stat().st_mtime_ns for path in (finished / "out/records").iterdir()}


def test_arms_of_a_seed_share_noise_and_data_but_not_results(finished: Path) -> None:
    frame = results.load(finished / "out")
    last = frame[(frame.metric == "val_loss") & (frame.weights == "raw") & (frame.step == 4)]
    assert last.value.nunique() == 4


def test_report_works_without_torch_and_on_its_own(finished: Path) -> None:
    result = uvit("report", "out", "--out", "elsewhere", cwd=finished)
    assert result.returncode == 0, result.stderr
    assert (finished / "elsewhere/report.md").is_file()


def test_sample_writes_the_same_images_whatever_the_batch(finished: Path) -> None:
    cell = next(iter((finished / "out/checkpoints").iterdir()))
    for name, batch in (("a.npz", "3"), ("b.npz", "64")):
        result = uvit(
            "sample",
            str(cell),
            "--count",
            "5",
            "--nfe",
            "3",
            "--seed",
            "1",
            "--batch",
            batch,
            "--precision",
            "float32",
            "--out",
            name,
            cwd=finished,
        )
        assert result.returncode == 0, result.stderr
    a, b = (np.load(finished / name)["images"] for name in ("a.npz", "b.npz"))
    assert a.shape == (5, 16, 16, 3)
    assert a.dtype == np.uint8
    assert np.abs(a.astype(int) - b.astype(int)).max() <= 1
    result = uvit(
        "sample",
        str(cell),
        "--count",
        "2",
        "--sampler",
        "ddim",
        "--nfe",
        "2",
        "--weights",
        "raw",
        "--out",
        "pngs",
        cwd=finished,
    )
    assert result.returncode == 0, result.stderr
    assert sorted(p.name for p in (finished / "pngs").iterdir()) == ["000000.png", "000001.png"]


def test_score_compares_any_two_sets(finished: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(finished / "x.npz", images=rng.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8))
    np.savez(finished / "y.npz", images=rng.integers(0, 128, (14, 16, 16, 3), dtype=np.uint8))
    result = uvit("score", "x.npz", "y.npz", "--json", cwd=finished)
    assert result.returncode == 0, result.stderr
    scores = {entry["metric"]: entry for entry in json.loads(result.stdout)["scores"]}
    assert scores["fd_effnet_lite0_12"]["value"] > 0
    assert scores["fd_effnet_lite0_12"]["card"]["extractor"] == "effnet-lite0"
    plain = uvit("score", "x.npz", "y.npz", cwd=finished)
    assert "fd_effnet_lite0_12" in plain.stdout


@pytest.mark.parametrize(
    ("args", "texts"),
    [
        (["run", "skp"], ["unknown grid 'skp'", "skip"]),
        (["run", "skip", "--budget", "cpuu"], ["cpuu", "cpu"]),
        (["run", "skip", "--budget", "smoke", "--preset", "uvit-nanno/4"], ["uvit-nanno", "uvit-nano"]),
        (["run", "skip", "--budget", "smoke", "--dataset", "photoss"], ["photoss", "photos"]),
        (["run", "skip", "--budget", "smoke", "--set", "training.stepz=1"], ["stepz"]),
        (["run", "skip", "--budget", "smoke", "--set", "evaluation.samples=-5"], ["evaluation.samples", "-5"]),
        (["run", "skip", "--budget", "smoke", "--set", "evaluation.sampler=euler"], ["euler"]),
        (["run", "skip", "--budget", "smoke", "--set", "evaluation.extractor=vgg"], ["vgg"]),
        (["run", "skip", "--budget", "smoke", "--set", "evaluation.metrics=fid"], ["fid"]),
        (["run", "skip", "--budget", "smoke", "--seeds", "0"], ["--seeds", "at least 1"]),
        (["run", "skip", "--budget", "smoke", "--jobs", "-1"], ["--jobs", "-1"]),
        (["run", "skip", "--budget", "smoke", "--first-seed", "-1"], ["--first-seed", "at least 0", "-1"]),
        (["run", "skip", "--seeds", "3", "--until-resolved"], ["--seeds 3", "--until-resolved", "3, 6, 12"]),
        (["plan", "skip", "--seeds", "3", "--until-resolved"], ["--seeds 3", "--until-resolved", "3, 6, 12"]),
        (["run", "skip", "--budget", "smoke", "--max-hours", "-1"], ["--max-hours", "at least 0", "-1"]),
        (["run", "skip", "--budget", "smoke", "--engine", "mpi"], ["mpi", "local"]),
        (["run", "skip", "--budget", "smoke", "--device", "tpu"], ["tpu", "cpu"]),
        (["run", "skip", "--budget", "smoke", "--precision", "fp8"], ["fp8", "bfloat16"]),
        (["run", "skip", "--budget", "smoke", "--seeds", "two"], ["--seeds", "integer"]),
        (["run", "skip", "--budget", "smoke", "--plugin", "none.py"], ["none.py"]),
        (["run", "skip", "--budget", "smoke", "--dataset", "folder:nowhere"], ["nowhere"]),
        (["plan", "skip", "--preset", "uvit-nano/5"], ["5"]),
        (["plan", "skip", "--set", "training.p_uncond=0.1"], ["training.p_uncond", "training.condition=label"]),
        (["run", "skip", "--set", "evaluation.guidance=0.4"], ["evaluation.guidance", "training.condition=label"]),
        (["list", "axis"], ["axis", "axes"]),
        (["report", "nowhere"], ["nowhere"]),
        (["sample", "nowhere.safetensors", "--out", "x.npz"], ["nowhere.safetensors"]),
        (["score", "nowhere", "photos:held_out"], ["nowhere"]),
        (["frobnicate"], ["frobnicate"]),
        (["run", "skip", "--frobnicate"], ["--frobnicate"]),
        (["run"], ["grid"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_request_is_one_line_and_exit_code_2(tmp_path: Path, args: list[str], texts: list[str]) -> None:
    _refused(uvit(*args, cwd=tmp_path), *texts)
    assert not list(tmp_path.rglob("*.json")), "nothing is written for a wrong request"


def test_sample_refuses_bad_requests(finished: Path) -> None:
    cell = str(next(iter((finished / "out/checkpoints").iterdir())))
    _refused(uvit("sample", cell, "--count", "-1", "--out", "refused.npz", cwd=finished), "--count", "-1")
    _refused(uvit("sample", cell, "--weights", "best", "--out", "refused.npz", cwd=finished), "best", "ema")
    _refused(uvit("sample", cell, "--sampler", "dpm", "--out", "refused.npz", cwd=finished), "dpm")
    (finished / "full").mkdir(exist_ok=True)
    (finished / "full/mine.txt").write_text("keep")
    _refused(uvit("sample", cell, "--count", "1", "--out", "full", cwd=finished), "full")
    damaged = finished / "damaged.safetensors"
    damaged.write_bytes(b"rubbish")
    _refused(uvit("sample", str(damaged), "--out", "refused.npz", cwd=finished), "damaged.safetensors")
    assert not (finished / "refused.npz").exists()


def test_labels_and_guidance_from_the_command_line(tmp_path: Path) -> None:
    """A conditional grid runs; its checkpoints take labels and guidance, and refuse what they cannot do."""
    (tmp_path / "one.toml").write_text('question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat"]\n')
    conditional = ["--set", "training.p_uncond=0.2", "--set", "training.condition=label"]
    guided = ["--set", "evaluation.guidance=0.4", "--set", "evaluation.every=4"]
    ran = uvit("run", "one.toml", "--budget", "smoke", "--out", "out", *conditional, *guided, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "guidance 1.4, labels uniform over 7" in (tmp_path / "out/report/report.md").read_text()
    cell = str(next(iter((tmp_path / "out/checkpoints").iterdir())))

    def drawn(name: str, *more: str) -> np.ndarray:
        result = uvit("sample", cell, "--count", "3", "--nfe", "2", "--out", name, *more, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return np.load(tmp_path / name)["images"]

    one, both = drawn("one.npz", "--label", "1"), drawn("both.npz", "--label", "1", "--label", "5")
    assert (one[0] == both[0]).all() and (one[2] == both[2]).all()
    assert (one[1] != both[1]).any(), "another label, another image"
    assert (drawn("guided.npz", "--label", "1", "--guidance", "3") != one).any()
    _refused(uvit("sample", cell, "--label", "7", "--out", "no.npz", cwd=tmp_path), "--label", "0 to 6", "got 7")
    _refused(uvit("sample", cell, "--guidance", "-1", "--out", "no.npz", cwd=tmp_path), "--guidance", "-1")


def test_an_unconditional_checkpoint_takes_neither_label_nor_guidance(finished: Path) -> None:
    cell = str(next(iter((finished / "out/checkpoints").iterdir())))
    for asked in (["--label", "1"], ["--guidance", "0.4"]):
        _refused(uvit("sample", cell, *asked, "--out", "refused.npz", cwd=finished), asked[0], "unconditional")


def test_offline_cifar10_says_what_to_do(tmp_path: Path) -> None:
    offline = {
        "https_proxy": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    result = uvit("run", "skip", "--budget", "smoke", "--dataset", "cifar10", cwd=tmp_path, **offline)
    _refused(result, "cifar-10-python.tar.gz", "170,498,071", "c58f30108f718f92721af3b95e74349a", "--dataset photos")


def test_plan_lists_cells_and_costs_and_trains_nothing(tmp_path: Path) -> None:
    result = uvit("plan", "skip", "--budget", "demo", "--seeds", "2", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    plan = json.loads(result.stdout)
    assert len(plan["cells"]) == 10
    assert set(plan["cells"][0]) == {"train_id", "variant", "dataset", "budget", "seed", "params", "macs"}
    assert plan["cost"]["training_macs"] > 0
    assert (plan["seeds"], plan["looks"], plan["within"]) == ([100, 101], [2], "")
    looks = uvit("plan", "skip", "--budget", "smoke", "--until-resolved", "--first-seed", "100", cwd=tmp_path)
    assert "60 cells of 4 steps" in looks.stdout
    assert "seeds 100 to 111, looks at 3, 6 and 12 seeds; so many cells at most" in looks.stdout
    text = uvit("plan", "skip", "--budget", "demo", cwd=tmp_path)
    assert "seeds 100 to 102, one look at 3 seeds" in text.stdout, "as the budget has it"
    assert "15 cells of 560 steps x 32 images" in text.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_users_own_axis_runs_as_a_grid(tmp_path: Path) -> None:
    (tmp_path / "my_axes.py").write_text(PLUGIN)
    (tmp_path / "mlp.toml").write_text('question = "Q?"\nbaseline = "default"\n[axes]\nmlp_ratio = ["4", "2"]\n')
    result = uvit("run", "mlp.toml", *SMOKE, "--plugin", "my_axes.py", "--out", "out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    frame = results.load(tmp_path / "out")
    assert frame.groupby("arm").params.first().nunique() == 2
    listed = uvit("list", "axes", "--json", "--plugin", "my_axes.py", cwd=tmp_path)
    assert "mlp_ratio" in {row["name"] for row in json.loads(listed.stdout)}


PLUGIN = """
from dataclasses import replace
from variants import AXES, Axis, Option

def narrow(config):
    return replace(config, mlp_hidden=2 * config.embed_dim)

AXES.register("mlp_ratio", Axis(
    name="mlp_ratio", question="How wide is the MLP?", default="4",
    options=(Option(name="4", formula="4D"), Option(name="2", formula="2D", transform=narrow)),
))
"""


def test_a_grid_runs_until_it_is_known(tmp_path: Path) -> None:
    (tmp_path / "pair.toml").write_text(PAIR + '[endpoint]\nmetric = "frechet"\nweights = "ema"\n')
    small = ["--set", "training.steps=2", "--set", "evaluation.every=0", "--set", "evaluation.samples=4"]
    asked = ["run", "pair.toml", "--budget", "smoke", "--until-resolved", "--out", "out", *small]
    stopped = uvit(*asked, "--max-hours", "1e-9", cwd=tmp_path)
    assert stopped.returncode == 0, stopped.stderr
    assert "--max-hours 1e-09: 6 cells are still to run; the same command goes on" in stopped.stderr
    result = uvit(*asked, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    looks = [line for line in result.stderr.splitlines() if line.startswith("uvit: look")]
    assert looks[0].startswith("uvit: look 1 of 3, 3 seeds: ")
    last = uvit("verdict", "out", "--json", cwd=tmp_path)
    (row,) = json.loads(last.stdout)
    assert looks[-1].endswith(f"{row['verdict']}: none")
    assert row["seeds"] == {1: 3, 2: 6, 3: 12}[len(looks)]
    assert last.returncode == (3 if row["verdict"] == "unresolved" else 0)


def test_a_failed_cell_is_on_record_and_the_grid_goes_on(tmp_path: Path) -> None:
    args = ["run", "skip", *SMOKE, "--set", "training.lr=1e30", "--set", "training.warmup=0", "--out", "out"]
    result = uvit(*args, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.count("failed (diverged)") == 5
    assert "5 of 5 cells failed" in result.stderr
    assert "diverged" in result.stdout
    assert len(list((tmp_path / "out/records").glob("*.json"))) == 5


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(tmp_path: Path) -> None:
    args = [
        str(UVIT),
        "run",
        "skip",
        *SMOKE,
        "--set",
        "training.steps=3000",
        "--set",
        "evaluation.every=20",
        "--out",
        "out",
    ]
    process = subprocess.Popen(
        args,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell starts background jobs with Ctrl-C ignored, and the tests may be one
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(750):
        if list(tmp_path.glob("out/checkpoints/*/*.sha256")) or process.poll() is not None:
            break
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert list(tmp_path.glob("out/checkpoints/*/*.sha256"))
    children = subprocess.run(["pgrep", "-r", "R,S,D", "-g", str(process.pid)], capture_output=True, check=False)
    assert children.returncode == 1, "no worker outlives the command"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_ends_with_one_line_and_exit_code_1(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], check=False).returncode:
        pytest.skip("this sandbox mounts nothing")
    try:
        _refused_disk(uvit("run", "skip", *SMOKE, "--out", str(small / "out"), cwd=tmp_path))
        assert not list(small.rglob(".*tmp*"))
        subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
        _refused_disk(uvit("run", "skip", *SMOKE, "--out", str(small / "other"), cwd=tmp_path))
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def _refused_disk(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert "could not read or write" in result.stderr.splitlines()[-1]


def test_help_is_quick_and_complete(tmp_path: Path) -> None:
    result = uvit("--help", cwd=tmp_path)
    assert result.returncode == 0
    for command in ("run", "plan", "list", "report", "sample", "score"):
        assert command in result.stdout


def test_a_terminal_shows_bars_with_loss_speed_and_time_left(tmp_path: Path) -> None:
    primary, secondary = os.openpty()
    (tmp_path / "pair.toml").write_text(PAIR)
    args = [str(UVIT), "run", "pair.toml", *SMOKE, "--set", "training.steps=20", "--jobs", "1", "--out", "out"]
    terminal = {**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "40"}
    process = subprocess.Popen(args, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=secondary, env=terminal)
    os.close(secondary)
    shown = b""
    while True:
        try:
            piece = os.read(primary, 65_536)
        except OSError:  # Linux answers so when the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(primary)
    assert process.wait(timeout=150) == 0
    text = shown.decode(errors="replace")
    assert "grid pair" in text
    assert "uvit-micro/4+skip=none seed 0" in text
    assert "images/s" in text
    assert "loss 0." in text or "loss 1." in text
    assert "0:00:" in text
