"""Images as users bring them: a folder of files or an ``.npz``. Every mistake is a ValueError that names the file."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.dataset import Labels, Pixels

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
_IMAGE_KEYS = ("images", "arr_0")
_LABEL_KEYS = ("labels", "arr_1")


def image_paths(root: Path) -> list[Path]:
    """All images under ``root``, at any depth, sorted by their path below it; hidden files and folders are skipped."""

    def refuse(error: OSError) -> None:
        raise ValueError(f"cannot read the image folder {error.filename}: {error.strerror}") from error

    if not root.is_dir():
        raise ValueError(f"expected a folder of images, but {root} is {'a file' if root.exists() else 'not there'}")
    found = []
    for folder, folders, files in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names = [name for name in files if not name.startswith(".") and Path(name).suffix.lower() in EXTENSIONS]
        found += [Path(folder) / name for name in names]
    if not found:
        raise ValueError(f"no images in {root}: expected files that end in {', '.join(sorted(EXTENSIONS))}")
    return sorted(found, key=lambda path: path.relative_to(root).parts)


def read_bytes(path: Path) -> bytes:
    """The content of ``path``; raises ValueError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error


def read_npz(path: Path) -> tuple[Pixels, Labels | None]:
    """Images uint8 ``(N, C, H, W)`` and labels int64 ``(N,)`` or None, from ``NHWC`` under ``images`` or ``arr_0``."""
    arrays = _arrays(path)
    images = next((arrays[key] for key in _IMAGE_KEYS if key in arrays), None)
    if images is None:
        raise ValueError(f"{path}: expected an array named images or arr_0, got {', '.join(arrays) or 'none'}")
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3) or 0 in images.shape:
        got = f"{images.dtype} {images.shape}"
        raise ValueError(f"{path}: expected uint8 images (N, H, W, C) with C 1 or 3 and N at least 1, got {got}")
    labels = next((arrays[key] for key in _LABEL_KEYS if key in arrays), None)
    if labels is not None:
        _check_labels(path, labels, len(images))
    pixels = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return pixels, None if labels is None else labels.astype(np.int64)


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """What the archive holds by name; names that mean nothing here come as empty arrays, for messages."""
    wanted = (*_IMAGE_KEYS, *_LABEL_KEYS)
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it holds one bare array, not an archive of named ones")
            return {name: archive[name] if name in wanted else np.empty(0) for name in archive.files}
    except FileNotFoundError as error:
        raise ValueError(f"expected an .npz file, but {path} is not there") from error
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"cannot read {path} as .npz without pickles: {error or 'it is cut short'}") from error


def _check_labels(path: Path, labels: npt.NDArray[Any], count: int) -> None:
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        got = f"{labels.dtype} {labels.shape}"
        raise ValueError(f"{path}: expected integer labels of shape ({count},), one an image, got {got}")
    if int(labels.min()) < 0:
        raise ValueError(f"{path}: labels must be 0 or more, got {labels.min()}")
