"""Jobs in this process and in fresh ones."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import pytest

from bench.profile import jobs as running
from bench.profile.jobs import COUNT, ProfileJob, run_fresh, run_job
from bench.profile.peaks import Peak
from tests.bench.profile.subjects import QUICK, setting, subject


def job(**changes: object) -> ProfileJob:
    fields = {"subjects": (subject(), subject("uvit-micro/4+skip=none")), "setting": setting(), "protocol": QUICK}
    return ProfileJob(**fields | changes)  # type: ignore[arg-type]


KILLER = """
import os
if os.getpid() != {here}:
    if os.path.exists("{mark}"):
        os.kill(os.getpid(), {signal})
    open("{mark}", "w").close()
"""


@pytest.mark.parametrize(
    ("number", "status", "reason"), [(9, "oom", "process was killed"), (11, "error", "process crashed (SIGSEGV)")]
)
def test_each_variant_has_a_fresh_process_and_a_dead_one_is_a_row(
    tmp_path: Path, number: int, status: str, reason: str
) -> None:
    plugin = tmp_path / "killer.py"  # does to the second process what systems do to one that takes too much memory
    plugin.write_text(KILLER.format(here=os.getpid(), signal=number, mark=tmp_path / "first"))
    first, second = run_fresh(job(plugins=(plugin,)))
    alone = first.protocol["taking_turns"]
    assert (first.variant, first.status, alone, len(first.rounds)) == ("uvit-micro/4", "ok", 1, QUICK.rounds)
    assert (second.variant, second.status, second.rounds) == ("uvit-micro/4+skip=none", status, [])
    assert second.error is not None
    assert reason in second.error
    assert [first.profile_id, second.profile_id] == [record.profile_id for record in run_job(job())]


def test_counting_needs_no_device() -> None:
    [record] = run_job(job(subjects=(subject(),), setting=COUNT))
    assert (record.status, record.device, record.mode, record.rounds) == ("ok", "meta", "count", [])
    assert (record.device_name, record.counts["differs"]) == ("meta", {})


def test_a_measured_peak_is_taken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[tuple[str, str]] = []

    def planted(device: str, dtype: str) -> Peak:
        measured.append((device, dtype))
        return Peak(flops_per_s=1e12, source="planted")

    monkeypatch.setattr(running, "measured_peak", planted)
    monkeypatch.setattr(running, "_peak", lru_cache(running._peak.__wrapped__))  # not the planted one for other tests
    for _ in range(2):
        [asked] = run_job(job(subjects=(subject(),), measure_peak=True))
        assert asked.efficiency["mfu_measured_peak"] == asked.efficiency["flops_per_s"] / 1e12
    assert measured == [("cpu", "float32")]
    [plain] = run_job(job(subjects=(subject(),)))
    assert plain.efficiency["mfu_measured_peak"] is None
