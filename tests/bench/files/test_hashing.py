"""Digests of files: what the command line's tools say of the same bytes, and one place that takes them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from bench.files.hashing import digest_of, sha256_of

ROOT = Path(__file__).parents[3]
CONTENT = bytes(range(256)) * 2000


def test_sha256_is_that_of_the_whole_content(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "full").write_bytes(CONTENT)
    assert sha256_of(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_of(tmp_path / "full") == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_an_open_file_is_read_from_where_it_stands(algorithm: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    with (tmp_path / "file").open("rb") as file:
        file.seek(100)
        assert digest_of(file, algorithm) == hashlib.new(algorithm, CONTENT[100:]).hexdigest()


def test_files_are_hashed_in_one_place() -> None:
    hashing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "bench").rglob("*.py")
        if re.search(r"file_digest|hashlib\.\w+\([^)]*read_bytes", path.read_text())
    }
    assert hashing == {"bench/files/hashing.py"}
