"""Throughput against batch size, of profiles that agree in all else."""

from __future__ import annotations

from reports.analysis.batch_sizes import batch_panels
from tests.reports.simulated import profile


def test_throughput_against_batch_size() -> None:
    timing = {"median_s": 0.02, "p10_s": 0.01, "p90_s": 0.04, "imgs_per_s": 100.0}
    records = [profile("add", batch_size=size, timing=timing) for size in (64, 32)] + [profile("none")]
    (panel,) = batch_panels(records)
    assert (panel.mode, panel.setting) == ("train", "bfloat16")
    (line,) = panel.lines  # one batch size is no line
    assert line.points == ((32, 100.0, 50.0, 200.0), (64, 100.0, 50.0, 200.0))
