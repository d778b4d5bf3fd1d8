"""docs/footguns.md: its plots are drawn from what it says, and what it says is so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from reports.footguns import __main__ as command
from reports.footguns import published, simulated
from reports.footguns.plots import PLOTS

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "footguns.md").read_text(encoding="utf-8")
RECORDS = ROOT / "results" / "published" / "photos-cpu"


def test_the_command_draws_every_plot_of_the_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--out", str(tmp_path), "--records", str(RECORDS)]) == 0
    named = re.findall(r"\(footguns/(\w+)\.png\)", TEXT)
    assert named == list(PLOTS)
    for name in named:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (ROOT / "docs" / "footguns" / f"{name}.png").stat().st_size < 60_000
    assert len(capsys.readouterr().out.splitlines()) == len(named)


def test_a_folder_without_records_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(["--out", str(tmp_path), "--records", str(tmp_path / "nowhere")])
    assert refused.value.code == 2 and "expected an output folder" in capsys.readouterr().err


def test_few_samples_as_the_text_says() -> None:
    found, counts = simulated.few_samples(), list(simulated.COUNTS)
    better, worse = found.better.mean(axis=1), found.worse.mean(axis=1)
    assert better[counts.index(1_000)] > worse[counts.index(5_000)]
    assert (better < worse).all() and (np.diff(better) < 0).all()
    assert better[-1] > found.truth[0] < found.truth[1]


def test_the_frechet_distance_of_many_samples_is_that_of_the_gaussians() -> None:
    random = np.random.default_rng(0)
    samples = 2 * random.standard_normal((200_000, 3)) + 1
    assert simulated.frechet(samples, np.zeros(3), np.eye(3)) == pytest.approx(3 + 3, rel=0.01)  # |1|² + (2 − 1)² each


def test_best_checkpoint_as_the_text_says() -> None:
    gains, wins = simulated.best_of_checkpoints()
    ten = simulated.PICKS.index(10)
    assert gains[ten] == pytest.approx(1.54, abs=0.05) and wins[ten] == pytest.approx(10 / 11, abs=0.02)
    assert gains[0] == pytest.approx(0, abs=0.05) and wins[0] == pytest.approx(0.5, abs=0.03)


def test_ema_lag_as_the_text_says() -> None:
    at = np.array([5_000.0])
    assert simulated.initial_share(0.9999, at, ramped=False)[0] == pytest.approx(0.6065, abs=1e-3)
    assert simulated.initial_share(0.9999, at, ramped=True)[0] < 1e-6
    curves = published.losses(published.grid(RECORDS), seed=0)
    ratio = {w: dict(curves["none", w])[2200] / dict(curves["concat", w])[2200] for w in ("raw", "ema")}
    assert round(ratio["ema"], 1) == 1.9 and round(ratio["raw"], 2) == 1.06


def test_published_records_as_the_text_says() -> None:
    grid = published.grid(RECORDS)
    differences = published.differences(grid)
    assert differences["linear_sum"][0] < 0 < differences["linear_sum"][1]
    params, macs = published.relative_sizes(grid)["add"]
    assert (round(params, 1), round(macs, 1)) == (-7.0, -6.1)


def test_two_extractors_disagree() -> None:
    (a1, a2), (b1, b2) = simulated.two_extractors(count=2_000).values()
    assert a1 > a2 and b1 < b2
