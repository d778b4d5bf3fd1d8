"""``cifar10``: 60,000 colour pictures of 32×32 in 10 classes (Krizhevsky 2009), from the "python version" archive."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from bench.data.cifar_pickle import CLASSES, read_batch
from bench.data.dataset import Labels, Pixels
from bench.data.files import read_bytes
from bench.data.places import listed
from bench.data.source import DATASETS, Chunk, DatasetRequest, Recipe, Source, content_hash
from bench.files.download import DownloadError, Remote, fetch
from bench.files.hashing import digest_of

BUILDER = 1
SIZE = 32
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
FOLDER = "cifar-10-batches-py"
BELOW_DATA_DIR = (".", "cifar10", "cifar-10")
ARCHIVE = Remote(
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    name="cifar-10-python.tar.gz",
    size=170_498_071,
    algorithm="md5",
    checksum="c58f30108f718f92721af3b95e74349a",
)
SPLITS = {"train": [f"data_batch_{i}" for i in range(1, 6)], "held_out": ["test_batch"]}
OFFICIAL_MD5 = {  # of the files inside the archive
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_LARGEST_BATCH = 256 << 20


def find(request: DatasetRequest) -> Recipe:
    """The recipe over the batches in ``data_dir``, downloaded if need be; raises ValueError saying what to do."""
    return recipe_from(locate(request))


def recipe_from(place: Path) -> Recipe:
    """The recipe over an archive or an extracted folder; the same content gives the same fingerprint from both."""
    batches = read_folder(place) if place.is_dir() else read_archive(place)
    arrays = {split: _joined(place, batches, names) for split, names in SPLITS.items()}
    md5 = {name: hashlib.md5(data, usedforsecurity=False).hexdigest() for name, data in batches.items()}

    def decode() -> Iterator[Chunk]:
        for split, (images, labels) in arrays.items():
            yield Chunk(split, images, labels)

    parts = [array.tobytes() for pair in arrays.values() for array in pair]
    return Recipe(
        name="cifar10",
        fingerprint=content_hash(f"cifar10 builder {BUILDER}", *parts),
        image_size=SIZE,
        channels=3,
        num_classes=CLASSES,
        flip=True,
        decode=decode,
        card={
            "builder": BUILDER,
            "classes": NAMES,
            "official": md5 == OFFICIAL_MD5,
            "note": "held out: the test batch",
        },
    )


def locate(request: DatasetRequest, archive: Remote = ARCHIVE) -> Path:
    """The extracted folder or the archive below the request's ``data_dir``; else the archive is downloaded to it."""
    folders = request.below(BELOW_DATA_DIR)
    for folder in folders:
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
        if (folder / archive.name).is_file():
            return _checked(folder / archive.name, archive)
    try:
        return fetch(archive, request.data_dir)
    except DownloadError as error:
        raise ValueError(
            f"cifar10: no {archive.name} or {FOLDER}/ in {listed(folders)}, and no download ({error}). "
            f"Put {archive} into {request.data_dir}; --dataset photos needs nothing"
        ) from error


def _checked(path: Path, archive: Remote) -> Path:
    """An archive of the official size must be the official one; others are told apart by their content."""
    with path.open("rb") as file:
        if path.stat().st_size == archive.size:
            digest = digest_of(file, archive.algorithm)
            if digest != archive.checksum:
                raise ValueError(f"{path} is damaged: {archive.algorithm} {digest}; replace it by {archive}")
    return path


def read_folder(folder: Path) -> dict[str, bytes]:
    """The six batches of an extracted archive by name; raises ValueError naming one that is missing."""
    _require(folder, [name for name in OFFICIAL_MD5 if (folder / name).is_file()])
    return {name: read_bytes(folder / name) for name in OFFICIAL_MD5}


def read_archive(path: Path) -> dict[str, bytes]:
    """The six batches by name, read to the very end so that a cut shows; nothing is extracted to disk."""
    batches: dict[str, bytes] = {}
    try:
        with gzip.open(path) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    name = PurePosixPath(member.name)
                    wanted = name.parent.name == FOLDER and name.name in OFFICIAL_MD5
                    if wanted and member.isfile() and member.size <= _LARGEST_BATCH:
                        file = tar.extractfile(member)
                        batches[name.name] = file.read() if file else b""
            while stream.read(1 << 20):
                pass
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is damaged or cut short ({error}); replace it by {ARCHIVE}") from error
    _require(path, list(batches))
    return batches


def _require(place: Path, found: list[str]) -> None:
    missing = [name for name in OFFICIAL_MD5 if name not in found]
    if missing:
        raise ValueError(f"{place} is not complete: it lacks {', '.join(missing)}; replace it by {ARCHIVE}")


def _joined(place: Path, batches: dict[str, bytes], names: list[str]) -> tuple[Pixels, Labels]:
    images, labels = zip(*(read_batch(batches[name], f"{place}: {name}") for name in names), strict=True)
    return np.concatenate(images), np.concatenate(labels)


DATASETS.register("cifar10", Source(name="cifar10", description="32x32 photographs in 10 classes", find=find))
