"""One file over HTTP: resumed where it stopped, by one process at a time, checked, and put in place whole."""

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
    """A file on the web that never changes: where it is and how to know it.

    ``checksum`` is hex, by an ``algorithm`` of hashlib's. ``part`` names the file until it is whole; "" = NAME.part.
    """

    url: str
    name: str
    size: int
    algorithm: str
    checksum: str
    part: str = ""

    def __str__(self) -> str:
        return f"{self.url} ({self.size:,} bytes, {self.algorithm} {self.checksum})"

    def is_at(self, path: Path) -> bool:
        """Whether the file at ``path`` is this one."""
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return digest_of(file, self.algorithm) == self.checksum


class DownloadError(Exception):
    """The file could not be had: no connection, a refusal, or a transfer that kept breaking off."""


class Unreachable(DownloadError):
    """There was no connection."""


class BrokenOff(DownloadError):
    """The transfer ended early, by ``why`` or in silence; the ``received`` bytes are kept."""

    def __init__(self, text: str, *, received: int, why: Exception | None = None) -> None:
        super().__init__(text)
        self.received, self.why = received, why


class WrongContent(ValueError):
    """What was downloaded has another length or ``digest``, and is deleted."""

    def __init__(self, text: str, *, digest: str) -> None:
        super().__init__(text)
        self.digest = digest


def fetch(remote: Remote, folder: Path, *, attempts: int = 3, timeout_s: float = 30.0, announce: bool = True) -> Path:
    """``folder / remote.name``, downloaded if it is not there or is another file.

    A transfer that breaks off leaves ``remote.part``, which the next attempt or call goes on with; one process at a
    time writes it. With ``announce`` a line on standard error tells of each request. Raises `DownloadError` for the
    network, `WrongContent` for a wrong checksum, OSError for the disk.
    """
    target, fresh = folder / remote.name, not folder.exists()
    if remote.is_at(target):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (remote.part or f"{remote.name}.part")
    with _locked(part) as file:
        try:
            if not remote.is_at(target):
                _complete(remote, file, attempts, timeout_s, announce)
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
            if _still_at(file, part):
                yield file
                return


def _still_at(file: BufferedRandom, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _complete(remote: Remote, file: BufferedRandom, attempts: int, timeout_s: float, announce: bool) -> None:
    problem = DownloadError("nothing was asked for")
    for _ in range(attempts):
        if _length(file) >= remote.size:
            return
        try:
            _append(remote, file, timeout_s, announce)
            received = _length(file)
            problem = BrokenOff(f"the transfer broke off after {received:,} bytes", received=received)
        except urllib.error.HTTPError as error:
            error.close()
            problem = DownloadError(f"the server answered {error.code} {error.reason}")
            if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                break
            file.truncate(0)
        except DownloadError as error:
            problem = error
    if _length(file) < remote.size:
        raise problem


def _append(remote: Remote, file: BufferedRandom, timeout_s: float, announce: bool) -> None:
    """One request for what is missing; a server without ranges sends everything again."""
    start = _length(file)
    request = urllib.request.Request(remote.url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=timeout_s)
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError as error:
        raise Unreachable(str(error.reason)) from error
    except (OSError, HTTPException) as error:
        raise BrokenOff(str(getattr(error, "reason", error)), received=start, why=error) from error
    if announce:
        print(f"downloading {remote}{f', from byte {start:,} on' if start else ''} …", file=sys.stderr, flush=True)
    with response:
        resumed = f"{response.headers.get('Content-Range', '')}".startswith(f"bytes {start}-")
        if start and not (response.status == HTTPStatus.PARTIAL_CONTENT and resumed):
            file.truncate(0)
        while block := _next_block(response, file):
            file.write(block)  # outside the network's try: a full disk is another error than a lost connection
            if _length(file) > remote.size:
                break
        file.flush()


def _next_block(response: HTTPResponse, file: BufferedRandom) -> bytes:
    """Some more of the body, b"" at its end."""
    try:
        return response.read(_BLOCK)
    except (OSError, HTTPException) as error:
        raise BrokenOff(f"the transfer broke off ({error})", received=_length(file), why=error) from error


def _check(remote: Remote, file: BufferedRandom, part: Path) -> None:
    file.seek(0)
    digest, length = digest_of(file, remote.algorithm), _length(file)
    if (length, digest) != (remote.size, remote.checksum):
        part.unlink()
        raise WrongContent(
            f"downloaded {length:,} bytes with {remote.algorithm} {digest}, expected {remote}; "
            "deleted them, please try again",
            digest=digest,
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
