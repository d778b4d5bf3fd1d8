"""Many image files by name, in a folder or a zip archive: listed once, read one at a time.

ImageNet is 1.3 million files and 147 GB, so nothing here holds more than their names, and their content is hashed once:
what it came to is remembered in the cache under the names, sizes and times of change, as ``git`` and ``make`` do it.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bench.data.files import EXTENSIONS, read_bytes
from bench.data.parallel import in_order
from bench.data.progress import Progress
from bench.data.source import content_hash, hash_parts
from results.store import write_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSet:
    """Image files below ``place``: ``names`` are their sorted paths in it, with slashes.

    ``stamp`` changes whenever a file is added, removed, resized or written again. ``read`` gives a file's bytes and
    may be called from several threads; it raises ValueError naming a file that cannot be read.
    """

    place: Path
    names: list[str] = field(repr=False)
    stamp: str
    read: Callable[[str], bytes] = field(repr=False)

    def where(self, name: str) -> str:
        """How messages name a file."""
        return str(self.place / name)


def open_folder(root: Path) -> FileSet:
    """The images at any depth below ``root``, without hidden ones; raises ValueError if a folder cannot be read."""
    found = sorted(_walk(root, ""))
    stamp = content_hash("folder", json.dumps(found))
    return FileSet(
        place=root, names=[name for name, _, _ in found], stamp=stamp, read=lambda name: read_bytes(root / name)
    )


def _walk(root: Path, below: str) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of change of each image."""
    try:
        with os.scandir(root / below) as entries:
            for entry in entries:
                name = f"{below}/{entry.name}" if below else entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    yield from _walk(root, name)
                elif _is_image(entry.name):
                    state = entry.stat()
                    yield name, state.st_size, state.st_mtime_ns
    except OSError as error:
        raise ValueError(f"cannot read {error.filename or root}: {error.strerror}") from error


def open_zip(path: Path) -> FileSet:
    """The images in an archive, which stays packed; raises ValueError if it is damaged.

    A folder that holds all of them is left out of their names, so that these are those of the unpacked folder.
    """
    try:
        archive = zipfile.ZipFile(path)  # left open: reading goes on until the last image is decoded
        members = _below_one_folder({i.filename: i for i in archive.infolist() if _is_visible_image(i.filename)})
        state = path.stat()
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(f"cannot read {path} as a zip archive: {error}; download it again") from error

    def read(name: str) -> bytes:
        try:
            return archive.read(members[name])
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"cannot read {name} in {path}: {error}; download the archive again") from error

    stamp = content_hash("zip", json.dumps([state.st_size, state.st_mtime_ns]))
    return FileSet(place=path, names=sorted(members), stamp=stamp, read=read)


def _below_one_folder(members: dict[str, zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    tops = {name.partition("/")[0] if "/" in name else "" for name in members}
    if len(tops) != 1 or tops == {""}:
        return members
    return {name.partition("/")[2]: info for name, info in members.items()}


def content_of(files: FileSet, cache_dir: Path) -> str:
    """SHA-256 hex over the names and the bytes of all files; read once, then remembered for as long as none changes."""
    memo = cache_dir / "contents" / f"{content_hash(str(files.place), files.stamp)[:32]}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(memo.read_text())["content"])
    content = hash_parts(_names_and_digests(files))
    with suppress(OSError):  # a memo only: without it, the next run reads the files again
        write_bytes(memo, json.dumps({"place": str(files.place), "content": content}).encode())
    return content


def _names_and_digests(files: FileSet) -> Iterator[str | bytes]:
    progress = Progress(f"reading {files.place} once, for its fingerprint", len(files.names))
    digests = in_order(lambda name: hashlib.sha256(files.read(name)).digest(), files.names)
    for count, (name, digest) in enumerate(zip(files.names, digests, strict=True)):
        yield name
        yield digest
        progress.at(count + 1)


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def _is_visible_image(name: str) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
    return _is_image(name) and not hidden
