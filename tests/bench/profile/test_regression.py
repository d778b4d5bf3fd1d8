"""Comparing benchmark files: the same machine only, slower beyond the noise that the rounds show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.profile.regression import FLOOR, compare, main, newest_two

ROOT = Path(__file__).parents[3]
MACHINE = {"node": "a", "machine": "x86_64", "system": "Linux", "cpu": {"brand_raw": "a processor", "count": 2}}


def rounds(median: float, spread: float, seed: int = 0) -> list[float]:
    values: list[float] = (median * (1 + spread * np.random.default_rng(seed).standard_normal(41))).tolist()
    return values


def write(path: Path, benchmarks: dict[str, list[float] | None], **machine: Any) -> Path:
    items = [{"fullname": name, "stats": {"data": data} if data else {}} for name, data in benchmarks.items()]
    path.write_text(json.dumps({"machine_info": MACHINE | machine, "benchmarks": items}))
    return path


def test_a_slowdown_beyond_the_noise_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quiet, noisy = rounds(0.010, 0.005), rounds(0.010, 0.10)
    before = write(tmp_path / "a.json", {"quiet": quiet, "noisy": noisy, "gone": quiet, "fast": quiet})
    slower = {"quiet": [1.2 * t for t in quiet], "noisy": [1.2 * t for t in noisy], "new": quiet}
    after = write(tmp_path / "b.json", slower | {"fast": [0.5 * t for t in quiet]})
    assert main([str(before), str(after)]) == 1
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["quiet"].endswith("slower")
    assert "1.200" in lines["quiet"]
    assert "slower" not in lines["noisy"]
    assert lines["fast"].endswith("faster")
    assert lines["gone"].endswith("only before")
    assert lines["new"].endswith("only after")


def test_noise_comes_from_the_rounds_and_has_a_floor(tmp_path: Path) -> None:
    same = write(tmp_path / "a.json", {"steady": [0.01] * 10, "wide": [1.0, 2.0, 3.0, 4.0, 5.0], "once": [1.0]})
    steady, wide, once = compare(same, same).compared
    assert steady.noise == FLOOR
    assert wide.noise == pytest.approx(2**0.5 * 3.2 / 3)  # the middle 80% of 1…5, twice
    assert once.noise == float("inf")
    assert not compare(same, same).slower
    within = write(tmp_path / "b.json", {"steady": [0.01 * (1 + FLOOR / 2)] * 10})
    beyond = write(tmp_path / "c.json", {"steady": [0.01 * (1 + 2 * FLOOR)] * 10})
    assert not compare(same, within).slower
    assert compare(same, beyond).slower


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        ({"node": "b"}, "node 'a' and 'b'"),
        ({"cpu": {"brand_raw": "another", "count": 2}}, "cpu brand_raw"),
        ({"cpu": {"brand_raw": "a processor", "count": 4}}, "cpu count 2 and 4"),
    ],
)
def test_another_machine_is_refused(tmp_path: Path, machine: dict[str, Any], message: str) -> None:
    before = write(tmp_path / "a.json", {"x": [1.0, 1.0]})
    with pytest.raises(ValueError, match=f"two files of one machine, got {message}"):
        compare(before, write(tmp_path / "b.json", {"x": [1.0, 1.0]}, **machine))


def test_a_folder_compares_its_newest_with_the_last_of_the_same_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def save(name: str, day: int, seconds: float, **machine: Any) -> Path:
        path = write(tmp_path / "Linux" / name, {"x": [seconds] * 10}, **machine)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"datetime": f"2026-01-0{day}T00:00:00"}))
        return path

    (tmp_path / "Linux").mkdir()
    (tmp_path / "ratios.json").write_text("{}")  # of `make bench`
    assert main([str(tmp_path)]) == 2
    save("0001.json", 1, 9.0)
    assert (newest_two(tmp_path), main([str(tmp_path)])) == (None, 0)
    last = save("0002.json", 2, 1.0)
    save("0003.json", 3, 1.0, node="another")
    after = save("0000.json", 4, 2.0)
    assert newest_two(tmp_path) == (last, after)
    assert main([str(tmp_path)]) == 1
    assert "2.000" in capsys.readouterr().out


def test_what_cannot_be_compared_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bare = write(tmp_path / "a.json", {"x": [1.0]}), write(tmp_path / "b.json", {"x": None})
    other, text = write(tmp_path / "c.json", {"y": [1.0]}), tmp_path / "d.json"
    text.write_text("[]")
    for arguments, message in (
        ([str(good)], "expected BEFORE.json and AFTER.json, or a folder of both; got 1"),
        ([str(good), str(tmp_path / "none.json")], "none.json: expected a JSON file of pytest-benchmark"),
        ([str(good), str(text)], "d.json: expected a JSON file of pytest-benchmark, got other JSON"),
        ([str(good), str(bare)], "x has no raw rounds: save with --benchmark-save-data"),
        ([str(good), str(other)], "a benchmark that stands in both"),
    ):
        assert main(arguments) == 2
        assert message in capsys.readouterr().err


def test_it_reads_what_pytest_benchmark_writes(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(
        "def test_one(benchmark):\n    benchmark.pedantic(sum, ([1, 2],), rounds=5)\n"
    )
    save = ["--benchmark-json=a.json", "--benchmark-save-data", "-p", "no:cacheprovider"]
    alone = {name: value for name, value in os.environ.items() if "XDIST" not in name}  # its workers measure nothing
    command = [sys.executable, "-m", "pytest", "-q", *save]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=alone)
    done = subprocess.run(
        [sys.executable, "-m", "bench.profile.regression", tmp_path / "a.json", tmp_path / "a.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "test_one.py::test_one" in done.stdout
