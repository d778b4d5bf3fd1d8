"""``imagenet``: ILSVRC 2012, 1,281,167 photographs in 1,000 classes (Russakovsky et al. 2015), at any size.

Labels follow the sorted WordNet ids, as everywhere. The official code trains at 64 on the full-sized photographs too,
not on the downsampled ImageNet64 archive, whose resize is another.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from bench.data.crops import adm_square
from bench.data.dataset import Labels
from bench.data.file_set import FileSet, content_of, open_folder
from bench.data.files import read_bytes
from bench.data.holdout import NOTE, hold_out
from bench.data.image_decoding import Part, decode_parts
from bench.data.places import checked_size, examples, first_with, listed
from bench.data.source import DATASETS, DatasetRequest, Recipe, Source, hash_parts

if TYPE_CHECKING:
    from PIL.Image import Image

BUILDER = 1
SIZE = 64
LARGEST = 1024
IN_ARCHIVE = "ILSVRC/Data/CLS-LOC"  # where Kaggle's archive has train and val
BELOW_DATA_DIR = ("imagenet", "ImageNet", "ILSVRC2012", f"imagenet/{IN_ARCHIVE}", IN_ARCHIVE)
SOLUTION = "LOC_val_solution.csv"  # Kaggle's key to a val folder without sub-folders, at the top of its archive
WNID = re.compile(r"n\d{8}")
LAYOUT = "train/<WordNet id>/<image>.JPEG, such as train/n01440764/n01440764_10026.JPEG"


def find(request: DatasetRequest) -> Recipe:
    """The recipe over ``train`` and, if it is there, ``val``; raises ValueError saying what does not fit."""
    size = checked_size("imagenet", request.image_size or SIZE, most=LARGEST)
    folders = request.below(BELOW_DATA_DIR)
    root = first_with(folders, "train")
    if root is None:
        raise ValueError(
            f"imagenet not found: no train/ in {listed(folders)}; lay it out as {LAYOUT} (docs/datasets.md)"
        )
    parts, classes = _parts(root)
    contents = [
        content_of(files, request.cache_dir) for files in {part.files.place: part.files for part in parts}.values()
    ]
    labels = [part.labels.tobytes() for part in parts[1:] if part.labels is not None]
    return Recipe(
        name="imagenet",
        fingerprint=hash_parts([f"imagenet builder {BUILDER} size {size}", *contents, *labels]),
        image_size=size,
        channels=3,
        num_classes=len(classes),
        flip=True,
        decode=partial(decode_parts, parts, partial(_square, size=size), size=size),
        card={
            "builder": BUILDER,
            "resize": f"ADM: halved by means, antialiased bicubic to a short side of {size}, centre",
            "licence": "non-commercial research only (ImageNet terms of access)",
            "note": "held out: val" if len({part.files.place for part in parts}) > 1 else NOTE,
        },
    )


def _parts(root: Path) -> tuple[list[Part], list[str]]:
    """The parts to decode and the sorted classes."""
    train = open_folder(root / "train")
    folders = [_class_folder(train, name) for name in train.names]
    if not folders:
        raise ValueError(f"imagenet: no images below {train.place}; expected {LAYOUT}{_tar_hint(train.place)}")
    classes = sorted(set(folders))
    labels = _numbered(folders, classes)
    if (root / "val").is_dir():
        return [Part(split="train", files=train, names=train.names, labels=labels), _val(root, classes)], classes
    splits = hold_out(len(train.names), "imagenet")
    return [
        Part(split=split, files=train, names=[train.names[i] for i in rows], labels=labels[rows])
        for split, rows in splits.items()
    ], classes


def _val(root: Path, classes: Sequence[str]) -> Part:
    files = open_folder(root / "val")
    if not files.names:
        raise ValueError(f"imagenet: no images below {files.place}; fill it or remove it")
    flat = all("/" not in name for name in files.names)
    folders = _solved(root, files) if flat else [_class_folder(files, name) for name in files.names]
    strange = sorted(set(folders) - set(classes))
    if strange:
        raise ValueError(f"{files.place}: expected the classes of train alone, but {examples(strange)} are not there")
    return Part(split="held_out", files=files, names=files.names, labels=_numbered(folders, classes))


def _class_folder(files: FileSet, name: str) -> str:
    parts = PurePosixPath(name).parts
    if len(parts) != 2 or not WNID.fullmatch(parts[0]):
        raise ValueError(f"{files.place}: expected {LAYOUT}, got {files.where(name)}")
    return parts[0]


def _tar_hint(folder: Path) -> str:
    packed = sorted(path.name for path in folder.glob("n*.tar"))
    return f", got {examples(packed)}: unpack each into a folder of its name" if packed else ""


def _solved(root: Path, files: FileSet) -> list[str]:
    """The WordNet ids of a flat ``val``, from Kaggle's key beside it or at the top of its archive."""
    tops = (root, root.parents[2]) if root.as_posix().endswith(f"/{IN_ARCHIVE}") else (root,)
    path = next((top / SOLUTION for top in tops if (top / SOLUTION).is_file()), None)
    if path is None:
        raise ValueError(
            f"{files.place}: expected val/<WordNet id>/<image>.JPEG, but the images lie in it directly; "
            f"move them into such folders, put Kaggle's {SOLUTION} into {root}, or remove val"
        )
    rows = csv.reader(read_bytes(path).decode("utf-8", "replace").splitlines())
    answers = {row[0]: row[1].split()[0] for row in rows if len(row) == 2 and row[1].strip()}
    unsolved = [name for name in files.names if PurePosixPath(name).stem not in answers]
    if unsolved:
        raise ValueError(f"{path} does not match {files.place}: no class for {examples(unsolved)} of its images")
    return [answers[PurePosixPath(name).stem] for name in files.names]


def _numbered(folders: Sequence[str], classes: Sequence[str]) -> Labels:
    number = {name: i for i, name in enumerate(classes)}
    return np.array([number[folder] for folder in folders], np.int64)


def _square(image: Image, _: str, *, size: int) -> Image:
    return adm_square(image, size)


DATASETS.register(
    "imagenet",
    Source(name="imagenet", description="ILSVRC 2012 photographs, 1,000 classes, 64x64 or larger", find=find),
)
