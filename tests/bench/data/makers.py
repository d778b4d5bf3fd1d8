"""Datasets in their true formats, a few images large, and a real HTTP server for them on 127.0.0.1."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image

BATCHES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]


def pixels(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def python2_batch(images: np.ndarray, labels: list[int]) -> bytes:
    """A batch opcode by opcode as Python 2's cPickle wrote the official ones (protocol 2, str keys, integer align)."""

    def text(value: str) -> bytes:
        return b"U" + bytes([len(value)]) + value.encode()

    def integer(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    empty = b"cnumpy.core.multiarray\n_reconstruct\n" + b"cnumpy\nndarray\n" + b"K\x00\x85" + text("b") + b"\x87R"
    dtype = b"cnumpy\ndtype\n" + text("u1") + b"K\x00K\x01\x87R"
    dtype += b"(K\x03" + text("|") + b"NNN" + integer(-1) + integer(-1) + b"K\x00tb"
    content = b"T" + struct.pack("<i", images.size) + images.tobytes()
    shape = b"".join(integer(side) for side in images.shape) + b"\x86"
    array = empty + b"(K\x01" + shape + dtype + b"\x89" + content + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text("data") + array + text("labels") + numbers + text("batch_label") + text("one") + b"u."


def python3_batch(images: np.ndarray, labels: list[int]) -> bytes:
    """The same as somebody's Python 3 and numpy 2 write it."""
    return pickle.dumps({b"data": images, b"labels": labels, b"batch_label": b"one"}, protocol=2)


def cifar_batches(rows: int = 6, write: object = python2_batch) -> dict[str, bytes]:
    assert callable(write)
    return {
        name: write(pixels(i, rows, 3072), [(i + row) % 10 for row in range(rows)]) for i, name in enumerate(BATCHES)
    }


def cifar_archive(path: Path, batches: dict[str, bytes], extra: dict[str, bytes] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, data in ({f"cifar-10-batches-py/{k}": v for k, v in batches.items()} | (extra or {})).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def cifar_folder(path: Path, batches: dict[str, bytes]) -> Path:
    path.mkdir(parents=True)
    for name, data in batches.items():
        (path / name).write_bytes(data)
    return path


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def fashion_folder(path: Path, *, zipped: bool = True, rows: int = 12) -> dict[str, np.ndarray]:
    path.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for seed, (prefix, count) in enumerate((("train", rows), ("t10k", rows // 2))):
        arrays[f"{prefix}-images-idx3-ubyte"] = pixels(seed, count, 28, 28)
        arrays[f"{prefix}-labels-idx1-ubyte"] = np.arange(count, dtype=np.uint8) % 10
    for name, array in arrays.items():
        data = idx(array)
        (path / (f"{name}.gz" if zipped else name)).write_bytes(gzip.compress(data) if zipped else data)
    return arrays


def picture(path: Path, array: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


@dataclass
class Behaviour:
    """What the server does: ``cuts`` are the bytes after which it drops the connection, one per request.

    Each answer waits for ``gate``, which is open from the start.
    """

    content: bytes
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    status: int = 200
    asked: list[str | None] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def digest(self, algorithm: str) -> str:
        return hashlib.new(algorithm, self.content).hexdigest()


@contextmanager
def server(behaviour: Behaviour) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            behaviour.asked.append(wanted)
            behaviour.gate.wait(60)
            if behaviour.status != 200:
                self.send_error(behaviour.status)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and behaviour.ranges else 0
            total = len(behaviour.content)
            if start >= total:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            self.send_header("Content-Length", str(total - start))
            self.end_headers()
            body = behaviour.content[start:]
            self.wfile.write(body[: behaviour.cuts.pop(0)] if behaviour.cuts else body)

        def log_message(self, *_: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{web.server_port}/file.tar.gz"
    finally:
        web.shutdown()
        web.server_close()
        thread.join()
