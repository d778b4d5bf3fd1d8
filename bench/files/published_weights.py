"""Network weights: found on disk, or downloaded with their checksum, and loaded without running code from the file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files.hashing import sha256_of
from bench.files.paths import cache_dir, data_dir

if TYPE_CHECKING:
    from torch import Tensor

TIMEOUT_S = 30.0
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedWeights:
    """A published file: the names under which people keep it, where it comes from, its size and SHA-256."""

    names: tuple[str, ...]
    url: str
    size: int
    sha256: str

    def find(self, weights: Path | None, *, allow_download: bool) -> Path:
        """``weights`` when given, else a copy with the right checksum in a known folder, else a download.

        Raises ValueError with the address, size, checksum and place when there is none.
        """
        if weights is not None:
            path = Path(weights).expanduser()
            if not path.is_file():
                raise ValueError(f"{path}: no such file of weights; expected a copy of {self.url}")
            return path
        for folder in folders():
            for name in self.names:
                if (path := folder / name).is_file() and sha256_of(path) == self.sha256:
                    return path
        return self._download(folders()[0] / self.names[0], allow_download)

    def _download(self, target: Path, allow_download: bool) -> Path:
        if not allow_download:
            raise ValueError(self.missing("downloading is off"))
        part = target.with_suffix(".part")
        try:
            _fetch(self.url, part, self.size)
        except ConnectionError as error:
            raise ValueError(self.missing(str(error))) from None
        if (found := sha256_of(part)) != self.sha256:
            part.unlink()
            raise ValueError(self.missing(f"the download has SHA-256 {found} instead, and was thrown away"))
        part.replace(target)
        return target

    def missing(self, reason: str) -> str:
        """One line: what is missing, and how to mend it."""
        looked = ", ".join(str(folder) for folder in folders())
        return (
            f"no weights {self.names[0]} in {looked} ({reason}); download {self.url} ({self.size / 1e6:.0f} MB, "
            f"SHA-256 {self.sha256}) and put it into {folders()[0]} or give its path"
        )


def folders() -> list[Path]:
    """Where weights are looked for, the folder that downloads go to first."""
    hub = Path(os.environ.get("TORCH_HOME") or Path("~/.cache/torch").expanduser()) / "hub" / "checkpoints"
    return [cache_dir() / "weights", data_dir(), hub]


def load_state_dict(path: Path) -> dict[str, Tensor]:
    """A dictionary of tensors by name, on the CPU, without running the file's code; ValueError for anything else."""
    import torch

    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or hostile file
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path}: expected a file of weights that torch can load safely ({first})") from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ValueError(f"{path}: expected a dictionary of tensors by name")
    return state


def _fetch(url: str, part: Path, size: int) -> None:
    """Download ``url`` to ``part``, going on where an earlier attempt stopped; raises ConnectionError."""
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    part.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer, part.open("ab" if answer.status == 206 else "wb") as file:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except HTTPError as error:
        if error.code == 416 and have:  # nothing is left to fetch; the checksum decides
            return
        raise ConnectionError(f"the server answered {error.code} {error.reason}") from None
    except URLError as error:
        raise ConnectionError(f"not reachable: {error.reason}") from None
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise ConnectionError(f"the connection broke: {error or type(error).__name__}; run again to go on") from None
    if (have := part.stat().st_size) < size:  # a body that ends early is no error to http.client
        raise ConnectionError(f"the connection broke after {have} of {size} bytes; run again to go on")
