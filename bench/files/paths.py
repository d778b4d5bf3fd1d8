"""The two folders that ``uvit`` uses outside an output directory; both can be moved by an environment variable."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """What can be computed again (decoded datasets, reference statistics): ``$UVIT_CACHE``, else ``~/.cache/uvit``."""
    return _folder("UVIT_CACHE", Path("~/.cache/uvit"))


def data_dir() -> Path:
    """Where datasets are looked for and downloaded to: ``$UVIT_DATA``, else ``./data``."""
    return _folder("UVIT_DATA", Path("data"))


def _folder(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable) or default).expanduser().absolute()
