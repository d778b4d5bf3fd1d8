"""Provenance: complete, JSON-able, and never another repository's commit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import results
from results.provenance import provenance

SOURCE = Path(results.__file__).parent


def run_in(folder: Path, environment: dict[str, str] | None = None) -> dict[str, Any]:
    code = (
        "import json, sys; from results.provenance import provenance; facts = provenance(); "
        "assert 'torch' not in sys.modules; print(json.dumps(facts))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def copy(folder: Path) -> Path:
    shutil.copytree(SOURCE, folder / "results", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_every_fact_is_there() -> None:
    facts = provenance()
    assert json.loads(json.dumps(facts)) == facts
    assert set(facts) == {"schema", "commit", "dirty", "utc", "versions", "platform", "machine", "cpu", "cores", "gpu"}
    assert datetime.now(UTC) - datetime.fromisoformat(facts["utc"]) < timedelta(minutes=1)
    assert facts["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert facts["versions"]["numpy"]


def test_commit_and_dirty_flag(tmp_path: Path) -> None:
    root = copy(tmp_path)
    (root / ".gitignore").write_text("__pycache__/\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    facts = run_in(root)
    assert (facts["commit"], facts["dirty"]) == (git(root, "rev-parse", "HEAD"), False)
    (root / "results" / "paper" / "paper_reference.csv").write_text("changed")
    assert run_in(root)["dirty"] is True


def test_without_a_repository_of_its_own(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")  # somebody else's, around an installed copy
    (tmp_path / "lib").mkdir()
    facts = run_in(copy(tmp_path / "lib"))
    assert (facts["commit"], facts["dirty"]) == (None, None)


def test_without_git(tmp_path: Path) -> None:
    facts = run_in(copy(tmp_path), {"PATH": str(tmp_path)})
    assert (facts["commit"], facts["dirty"]) == (None, None)
