"""Digests of the content of files: the one place that hashes a file."""

from __future__ import annotations

import hashlib
from io import BufferedRandom, BufferedReader
from pathlib import Path


def digest_of(file: BufferedReader | BufferedRandom, algorithm: str = "sha256") -> str:
    """Digest of an open file's content from where it stands to its end, hex, read in pieces.

    ``algorithm`` is one of hashlib's. It guards against damage, not against forgers: md5 will do where a publisher
    gives nothing else.
    """
    return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, hex, read in pieces."""
    with Path(path).open("rb") as file:
        return digest_of(file)
