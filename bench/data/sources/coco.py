"""``coco``: MS-COCO 2014, 82,783 photographs with about five captions each (Lin et al. 2014), and 40,504 held out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.coco_captions import Captioned, check_match, read_captions
from bench.data.crops import lanczos_square
from bench.data.file_set import FileSet, content_of, open_folder
from bench.data.holdout import NOTE, hold_out
from bench.data.image_decoding import Part, decode_parts
from bench.data.places import checked_size, first_with, listed
from bench.data.source import DATASETS, DatasetRequest, Recipe, Source, hash_parts

if TYPE_CHECKING:
    from PIL.Image import Image

BUILDER = 1
SIZE = 256
LARGEST = 1024
BELOW_DATA_DIR = ("coco", "COCO", "mscoco", "coco2014", ".")
FOLDERS = {"train": "train2014", "held_out": "val2014"}
ANNOTATIONS = "annotations"


def find(request: DatasetRequest) -> Recipe:
    """The recipe over images and captions below ``data_dir``; raises ValueError where they are not there or differ."""
    size = checked_size("coco", request.image_size or SIZE, most=LARGEST)
    root = _locate(request)
    train, captions = _read(root, FOLDERS["train"])
    held_out = _read(root, FOLDERS["held_out"]) if (root / FOLDERS["held_out"]).exists() else None
    parts = _official(train, captions, *held_out) if held_out else _split(train, captions)
    sets = [train, held_out[0]] if held_out else [train]
    contents = [content_of(files, request.cache_dir) for files in sets]
    return Recipe(
        name="coco",
        fingerprint=hash_parts(_identity(f"coco builder {BUILDER} size {size}", contents, parts)),
        image_size=size,
        channels=3,
        num_classes=0,
        flip=False,
        decode=partial(decode_parts, parts, partial(_square, size=size), size=size),
        card={
            "builder": BUILDER,
            "captions": {part.split: sum(map(len, part.captions or ())) for part in parts},
            "resize": f"largest centred square, antialiased Lanczos to {size}x{size}",
            "licence": "captions CC BY 4.0; photographs under the terms of Flickr and their authors",
            "note": "held out: val2014" if held_out else NOTE,
        },
    )


def _locate(request: DatasetRequest) -> Path:
    folders = request.below(BELOW_DATA_DIR)
    root = first_with(folders, FOLDERS["train"])
    if root is None:
        raise ValueError(
            f"coco not found: no {FOLDERS['train']}/ in {listed(folders)}; put train2014/, val2014/ and "
            f"annotations/captions_*2014.json into {request.data_dir / 'coco'} (docs/datasets.md says where they come "
            "from)"
        )
    return root


def _read(root: Path, folder: str) -> tuple[FileSet, Captioned]:
    """One folder of images and its caption file, which must tell of the same images."""
    path = root / ANNOTATIONS / f"captions_{folder}.json"
    if not path.is_file():
        raise ValueError(f"coco: {root / folder} is there, but {path} is not; unpack annotations_trainval2014.zip")
    files, captioned = open_folder(root / folder), read_captions(path)
    check_match(path, captioned, files)
    return files, captioned


def _official(train: FileSet, captions: Captioned, held_out: FileSet, held_out_captions: Captioned) -> list[Part]:
    return [
        Part(split=split, files=files, names=list(captioned), captions=list(captioned.values()))
        for split, files, captioned in (("train", train, captions), ("held_out", held_out, held_out_captions))
    ]


def _split(train: FileSet, captions: Captioned) -> list[Part]:
    names, texts = list(captions), list(captions.values())
    return [
        Part(split=split, files=train, names=[names[i] for i in rows], captions=[texts[i] for i in rows])
        for split, rows in hold_out(len(names), "coco").items()
    ]


def _identity(head: str, contents: list[str], parts: list[Part]) -> Iterator[str]:
    yield head
    yield from contents
    for part in parts:
        yield part.split
        for name, texts in zip(part.names, part.captions or (), strict=True):
            yield name
            yield str(len(texts))
            yield from texts


def _square(image: Image, _: str, *, size: int) -> Image:
    return lanczos_square(image, size)


DATASETS.register("coco", Source(name="coco", description="MS-COCO 2014 photographs with captions, 256x256", find=find))
