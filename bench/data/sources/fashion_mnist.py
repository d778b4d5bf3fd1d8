"""``fashion-mnist``: 28×28 grey pictures of clothes in 10 classes, zero-padded to 32×32 (Xiao et al. 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data.dataset import Labels, Pixels
from bench.data.idx import read_idx
from bench.data.source import DATASETS, Chunk, DatasetRequest, Recipe, Source, content_hash

BUILDER = 1
NATIVE, SIZE, CLASSES = 28, 32, 10
NAMES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
PREFIXES = {"train": "train", "held_out": "t10k"}
BELOW_DATA_DIR = ("fashion-mnist", "FashionMNIST/raw", ".")
SYSTEM_FOLDERS = (Path("/usr/share/datasets/fashion-mnist"), Path("/usr/share/dataset-fashion-mnist"))
# Over the decoded arrays of Debian's package 0.0~git20200523, whose .gz files are not the authors' byte for byte
OFFICIAL = "fee4ed8c91db4164c7bfe71781d49895a1b485f74de7e69ecdd029fc0f8f90ee"


def find(request: DatasetRequest) -> Recipe:
    """The recipe over the first folder that holds the IDX files; raises ValueError saying where it looked."""
    folder = _locate([*request.below(BELOW_DATA_DIR), *SYSTEM_FOLDERS])
    arrays = {split: _read_split(folder, prefix) for split, prefix in PREFIXES.items()}

    def decode() -> Iterator[Chunk]:
        for split, (images, labels) in arrays.items():
            yield Chunk(split, _padded(images), labels)

    content = content_hash(*(array.tobytes() for pair in arrays.values() for array in pair))
    return Recipe(
        name="fashion-mnist",
        fingerprint=content_hash(f"fashion-mnist builder {BUILDER}", content),
        image_size=SIZE,
        channels=1,
        num_classes=CLASSES,
        flip=False,
        decode=decode,
        card={
            "builder": BUILDER,
            "classes": NAMES,
            "official": content == OFFICIAL,
            "note": "28x28 zero-padded to 32x32; held out: the test split",
        },
    )


def _files(prefix: str) -> tuple[str, str]:
    return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def _path(folder: Path, name: str) -> Path | None:
    """The file ``name`` in ``folder``, plain or gzipped."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _locate(folders: list[Path]) -> Path:
    """The first folder with any of the files, which must then hold all four."""
    names = [name for prefix in PREFIXES.values() for name in _files(prefix)]
    for folder in folders:
        missing = [name for name in names if _path(folder, name) is None]
        if not missing:
            return folder
        if len(missing) < len(names):
            raise ValueError(f"fashion-mnist in {folder} is not complete: it lacks {', '.join(missing)} (or with .gz)")
    looked = ", ".join(str(folder.absolute()) for folder in folders)
    raise ValueError(
        f"fashion-mnist not found in {looked}; install it (apt-get install dataset-fashion-mnist) or put "
        f"{names[0]}.gz and its three companions into {folders[0].absolute()}; --dataset photos needs nothing"
    )


def _read_split(folder: Path, prefix: str) -> tuple[Pixels, Labels]:
    paths = [_path(folder, name) for name in _files(prefix)]
    assert paths[0] and paths[1], "_locate found all four"
    images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if images.shape[1:] != (NATIVE, NATIVE) or len(images) == 0:
        raise ValueError(f"{paths[0]}: expected images of {NATIVE}x{NATIVE}, got an array of {images.shape}")
    if len(labels) != len(images) or labels.max() >= CLASSES:
        got = f"{len(labels)} up to {labels.max(initial=0)}"
        raise ValueError(f"{paths[1]}: expected {len(images)} labels below {CLASSES}, got {got}")
    return images, labels.astype(np.int64)


def _padded(images: Pixels) -> Pixels:
    edge = (SIZE - NATIVE) // 2
    return np.pad(images, ((0, 0), (edge, edge), (edge, edge)))[:, None]


DATASETS.register(
    "fashion-mnist",
    Source(name="fashion-mnist", description="grey pictures of clothes, 28 padded to 32; IDX files", find=find),
)
