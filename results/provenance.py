"""Where a record came from: commit, time, versions, machine (rule 9 of docs/design.md). Imports no torch of its own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from results.schema import SCHEMA

PACKAGES = (
    "uvit-ablations",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "torch-fidelity",
    "efficientnet-lite-pytorch",
    "fvcore",
    "scikit-image",
    "pillow",
)


def provenance() -> dict[str, Any]:
    """Facts about this process and machine, JSON-able. What is unknown is None; nothing personal is in it."""
    commit, dirty = source_state()
    return {
        "schema": SCHEMA,
        "commit": commit,
        "dirty": dirty,
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "gpu": _gpu(),
    }


@cache
def source_state() -> tuple[str | None, bool | None]:
    """Commit and dirty flag of the source that this process started from; (None, None) outside its repository."""
    source = Path(__file__).resolve().parent.parent
    top = _git(source, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != source:
        return None, None  # no git, or installed inside somebody else's repository
    commit, changes = _git(source, "rev-parse", "HEAD"), _git(source, "status", "--porcelain")
    return commit, None if changes is None else changes != ""


@cache
def versions() -> dict[str, str | None]:
    """Version of Python and of each package that moves results, by distribution name."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    if (torch := sys.modules.get("torch")) is not None:
        found["torch"] = str(getattr(torch, "__version__", found["torch"]))  # with its +cpu or +cu130
    found["libjpeg"] = _libjpeg()
    return found


@cache
def cpu_model() -> str | None:
    """The processor's name, as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or None


def _libjpeg() -> str | None:
    # decoded JPEG bytes differ between builds, and with them every dataset made of photographs
    try:
        from PIL import features
    except ImportError:
        return None
    version = features.version_feature("libjpeg_turbo") or features.version_codec("jpg")
    return str(version) if version else None


def _gpu() -> str | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return str(torch.cuda.get_device_name())


def _git(folder: Path, *arguments: str) -> str | None:
    # the caller's GIT_DIR and the like would point elsewhere
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, env=environment, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
