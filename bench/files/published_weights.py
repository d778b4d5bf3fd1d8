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
        if not allow_download:
            raise ValueError(self.missing("downloading is off"))
        return self._download(folders()[0])

    def _download(self, folder: Path) -> Path:
        from bench.files.download import BrokenOff, DownloadError, Remote, Unreachable, WrongContent, fetch

        name = self.names[0]
        part = Path(name).with_suffix(".part").name
        remote = Remote(url=self.url, name=name, size=self.size, algorithm="sha256", checksum=self.sha256, part=part)
        try:
            return fetch(remote, folder, attempts=1, announce=False)
        except WrongContent as error:
            reason = f"the download has SHA-256 {error.digest} instead, and was thrown away"
        except Unreachable as error:
            reason = f"not reachable: {error}"
        except BrokenOff as error:
            how = f" after {error.received} of {self.size} bytes" if error.why is None else f": {error.why}"
            reason = f"the connection broke{how}; run again to go on"
        except DownloadError as error:
            reason = str(error)
        raise ValueError(self.missing(reason))

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
