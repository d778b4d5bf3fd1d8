"""Jobs in this process and in fresh ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.profile.run import COUNT, Job, run_fresh, run_job
from tests.bench.profile.subjects import QUICK, setting, subject


def job(**changes: object) -> Job:
    fields = {"subjects": (subject(), subject("uvit-micro/4+skip=none")), "setting": setting(), "protocol": QUICK}
    return Job(**fields | changes)  # type: ignore[arg-type]


def test_a_fresh_process_measures_each_variant_alone() -> None:
    records = run_fresh(job())
    assert [record.variant for record in records] == ["uvit-micro/4", "uvit-micro/4+skip=none"]
    assert all(record.ok and record.protocol["taking_turns"] == 1 for record in records)
    assert [record.profile_id for record in records] == [record.profile_id for record in run_job(job())]


def test_a_killed_process_is_a_row(tmp_path: Path) -> None:
    plugin = tmp_path / "killer.py"  # what the system does to a process that takes too much memory
    plugin.write_text(f"import os\nif os.getpid() != {os.getpid()}:\n    os.kill(os.getpid(), 9)\n")
    [record] = run_fresh(job(subjects=(subject(),), plugins=(plugin,)))
    assert record.status == "oom"
    assert record.error is not None
    assert "process was killed" in record.error


def test_counting_needs_no_device() -> None:
    [record] = run_job(job(subjects=(subject(),), setting=COUNT))
    assert (record.status, record.device, record.mode, record.rounds) == ("ok", "meta", "count", [])
    assert (record.device_name, record.counts["differs"]) == ("meta", {})


def test_a_measured_peak_is_taken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    [asked] = run_job(job(subjects=(subject(),), measure_peak=True))
    assert 0 < asked.efficiency["mfu_measured_peak"] < 1.5
    [plain] = run_job(job(subjects=(subject(),)))
    assert plain.efficiency["mfu_measured_peak"] is None
