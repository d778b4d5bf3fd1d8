"""The batch-size search: where it ends, and what it calls the largest and the best."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.profile import search as searching
from bench.profile.jobs import ProfileJob, run_job
from bench.profile.search import Search, search_batch
from tests.bench.profile.subjects import QUICK, setting, subject

ROOT = Path(__file__).parents[3]

# 30 MiB of address space are left: a real end of memory, which the system does not answer by killing
TIGHT = """
import json, re, resource
from pathlib import Path
from bench.profile.measure import measure
from bench.profile.search import search_batch
from tests.bench.profile.subjects import QUICK, setting, subject

measure([subject()], setting("train"), protocol=QUICK)
now = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (now + 30 * 2**20, -1))
found = search_batch(subject(image_size=32), setting("train"), largest=4096)
after = measure([subject()], setting("train"), protocol=QUICK)[0].status
print(json.dumps(found.summary() | {"after": after}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the size of the process as Linux tells it")
def test_the_largest_batch_that_fits_is_found_where_memory_ends() -> None:
    import json

    done = subprocess.run([sys.executable, "-c", TIGHT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["stopped_by"] == "memory"
    assert found["after"] == "ok"
    sizes = {entry["batch_size"]: entry["status"] for entry in found["tried"]}
    assert sizes[found["largest"]] == "ok"
    too_large = min(size for size, status in sizes.items() if status != "ok")
    assert found["largest"] < too_large <= found["largest"] + max(2, found["largest"] // 4)
    fastest = max((e for e in found["tried"] if e["status"] == "ok"), key=lambda e: e["imgs_per_s"])
    assert found["best"] == fastest["batch_size"]


def test_the_search_ends_at_its_limit_or_at_a_slow_call() -> None:
    limited = search_batch(subject(), setting(), largest=5)
    assert [record.batch_size for record in limited.tried] == [1, 2, 4]
    assert (limited.largest, limited.stopped_by) == (4, "limit")
    slow = search_batch(subject(), setting(), slowest_s=0.0)
    assert [record.batch_size for record in slow.tried] == [1]
    assert slow.stopped_by == "time"


def test_on_a_cpu_the_search_ends_before_the_system_would_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    # not to be tried for real: a process that takes all memory takes the tests with it
    [last] = search_batch(subject(), setting("train"), largest=1).tried
    held = last.memory["state"] + last.memory["activations"]
    monkeypatch.setattr(searching, "available_bytes", lambda device: 3 * held)
    big = replace(last, memory=last.memory | {"peak_rss_growth": 0})
    assert not searching._would_not_fit(big, 2, "cpu")
    assert searching._would_not_fit(big, 3, "cpu")
    assert not searching._would_not_fit(big, 3, "cuda:0")
    monkeypatch.setattr(searching, "available_bytes", lambda device: 1)
    found = search_batch(subject(), setting(), largest=8)
    assert ([record.batch_size for record in found.tried], found.stopped_by) == ([1], "memory")


def test_auto_measures_the_best_and_the_largest_with_care(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.profile.jobs.search_batch", lambda *args: search_batch(*args, largest=4))
    records = run_job(ProfileJob(subjects=(subject(),), setting=setting(), protocol=QUICK, auto=True))
    answer = records[0].search
    assert [record.batch_size for record in records] == sorted({answer["best"], answer["largest"]})
    assert answer["largest"] == 4
    assert all(record.search == answer for record in records)


def test_where_nothing_fits_the_row_says_why() -> None:
    [record] = run_job(ProfileJob(subjects=(subject(),), setting=setting("train", dtype="float16"), auto=True))
    assert record.status == "error"
    assert record.search["largest"] is record.search["best"] is None
    assert record.search["stopped_by"] == "error"
    assert Search().summary()["tried"] == []
