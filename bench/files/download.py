"""One file over HTTP: resumed where it stopped, checked, and put in place whole."""

from __future__ import annotations

import fcntl
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from io import BufferedRandom
from pathlib import Path

from bench.files.hashing import digest_of

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A file on the web that never changes: where it is and how to know it."""

    url: str
    name: str
    size: int
    md5: str

    def __str__(self) -> str:
        return f"{self.url} ({self.size:,} bytes, md5 {self.md5})"


class DownloadError(Exception):
    """The file could not be had: no connection, a refusal, or a transfer that kept breaking off."""


def fetch(remote: Remote, folder: Path, *, attempts: int = 3, timeout_s: float = 30.0) -> Path:
    """``folder / remote.name``, downloaded if it is not there.

    A transfer that breaks off leaves ``NAME.part``, which the next attempt or call goes on with; one process at a time
    writes it. Raises `DownloadError` for the network, ValueError for a wrong checksum, OSError for the disk.
    """
    target, fresh = folder / remote.name, not folder.exists()
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with _locked(part) as file:
        try:
            if not target.is_file():
                _complete(remote, file, attempts, timeout_s)
                _check(remote, file, part)
                part.rename(target)
        finally:
            _tidy(file, part, folder if fresh else None)
    return target


@contextmanager
def _locked(part: Path) -> Iterator[BufferedRandom]:
    """``part`` opened for appending and held alone; opened anew if its last holder renamed or removed it meanwhile."""
    while True:
        with part.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(file, part):
                yield file
                return


def _is_at(file: BufferedRandom, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _complete(remote: Remote, file: BufferedRandom, attempts: int, timeout_s: float) -> None:
    problem = ""
    for _ in range(attempts):
        if _length(file) >= remote.size:
            return
        try:
            _append(remote, file, timeout_s)
            problem = f"the transfer broke off after {_length(file):,} bytes"
        except urllib.error.HTTPError as error:
            error.close()
            problem = f"the server answered {error.code} {error.reason}"
            if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                break
            file.truncate(0)
        except DownloadError as error:
            problem = str(error)
    if _length(file) < remote.size:
        raise DownloadError(problem)


def _append(remote: Remote, file: BufferedRandom, timeout_s: float) -> None:
    """One request for what is missing; a server without ranges sends everything again."""
    start = _length(file)
    request = urllib.request.Request(remote.url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=timeout_s)
    except urllib.error.HTTPError:
        raise
    except (OSError, HTTPException) as error:
        raise DownloadError(str(getattr(error, "reason", error))) from error
    print(f"downloading {remote}{f', from byte {start:,} on' if start else ''} …", file=sys.stderr, flush=True)
    with response:
        resumed = f"{response.headers.get('Content-Range', '')}".startswith(f"bytes {start}-")
        if start and not (response.status == HTTPStatus.PARTIAL_CONTENT and resumed):
            file.truncate(0)
        for block in _blocks(response):
            file.write(block)  # outside the network's try: a full disk is another error than a lost connection
            if _length(file) > remote.size:
                break
        file.flush()


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            block = response.read(_BLOCK)
        except (OSError, HTTPException) as error:
            raise DownloadError(f"the transfer broke off ({error})") from error
        if not block:
            return
        yield block


def _check(remote: Remote, file: BufferedRandom, part: Path) -> None:
    file.seek(0)
    md5 = digest_of(file, "md5")
    length = _length(file)
    if (length, md5) != (remote.size, remote.md5):
        part.unlink()
        raise ValueError(
            f"downloaded {length:,} bytes with md5 {md5}, expected {remote}; deleted them, please try again"
        )
    os.fsync(file.fileno())


def _length(file: BufferedRandom) -> int:
    file.flush()
    return os.fstat(file.fileno()).st_size


def _tidy(file: BufferedRandom, part: Path, fresh: Path | None) -> None:
    """Leave nothing behind when nothing was received; ``fresh`` is the folder if this call made it."""
    if _length(file) == 0:
        part.unlink(missing_ok=True)
        if fresh:
            with suppress(OSError):  # another process may have put something there
                fresh.rmdir()
