"""``celeba``: 202,599 aligned faces (Liu et al. 2015), cut as the paper's CelebA 64×64 and as DDIM's before it."""

from __future__ import annotations

from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bench.data.crops import FACE_CENTRE, FACE_HALF, FACE_SIZE, face_square
from bench.data.file_set import FileSet, content_of, open_folder, open_zip
from bench.data.files import read_bytes
from bench.data.holdout import NOTE, hold_out
from bench.data.image_decoding import Part, decode_parts
from bench.data.pixels import plain_rgb
from bench.data.places import checked_size, examples, first_with, listed
from bench.data.source import DATASETS, DatasetRequest, Recipe, Source, hash_parts

if TYPE_CHECKING:
    from PIL.Image import Image

BUILDER = 1
SIZE = 64
IMAGES = "img_align_celeba"
PARTITIONS = ("list_eval_partition.txt", "list_eval_partition.csv")
BELOW_DATA_DIR = (".", "celeba", "celeba/Img", "CelebA", "CelebA/Img")
SPLIT_OF = {"0": "train", "1": None, "2": "held_out"}  # 1 is the validation part, which nothing here uses
HOW = f"aligned faces of {FACE_SIZE[0]}x{FACE_SIZE[1]} pixels; take Img/{IMAGES}.zip of CelebA, no other crop"


def find(request: DatasetRequest) -> Recipe:
    """The recipe over the aligned faces below ``data_dir``; raises ValueError saying what is missing or wrong."""
    size = checked_size("celeba", request.image_size or SIZE, most=2 * FACE_HALF)
    files, folder = _locate(request)
    _check_face(plain_rgb(files.read(files.names[0]), files.where(files.names[0])), files.where(files.names[0]))
    partition = _partition_file(folder)
    splits = _published(files, partition) if partition else _permuted(files)
    parts = [Part(split=split, files=files, names=names) for split, names in splits.items()]
    members = [text for split, names in splits.items() for text in (split, *names)] if partition else []
    content = content_of(files, request.cache_dir)
    return Recipe(
        name="celeba",
        fingerprint=hash_parts([f"celeba builder {BUILDER} size {size}", content, *members]),
        image_size=size,
        channels=3,
        num_classes=0,
        flip=True,
        decode=partial(decode_parts, parts, partial(_face, size=size), size=size),
        card={
            "builder": BUILDER,
            "crop": f"{2 * FACE_HALF}x{2 * FACE_HALF} pixels around {FACE_CENTRE}",
            "resize": f"antialiased bilinear to {size}x{size}",
            "licence": "non-commercial research only (CelebA agreement)",
            "note": "train and held out: parts 0 and 2 of list_eval_partition" if partition else NOTE,
        },
    )


def _locate(request: DatasetRequest) -> tuple[FileSet, Path]:
    """The faces and the folder that they lie in, as a folder or still packed."""
    folders = request.below(BELOW_DATA_DIR)
    for entry, opened in ((IMAGES, open_folder), (f"{IMAGES}.zip", open_zip)):
        folder = first_with(folders, entry)
        if folder:
            files = opened(folder / entry)
            if not files.names:
                raise ValueError(f"celeba: no images in {folder / entry}; expected {HOW}")
            return files, folder
    raise ValueError(
        f"celeba not found: no {IMAGES}/ or {IMAGES}.zip in {listed(folders)}; put one into "
        f"{request.data_dir / 'celeba'} "
        "(docs/datasets.md says where it comes from)"
    )


def _partition_file(folder: Path) -> Path | None:
    """CelebA's own list of splits, beside the images or in ``Eval`` as its archive has it."""
    tops = (folder, folder.parent) if folder.name == "Img" else (folder,)
    places = [place for top in tops for place in (top, top / "Eval")]
    return next((place / name for place in places for name in PARTITIONS if (place / name).is_file()), None)


def _published(files: FileSet, path: Path) -> dict[str, list[str]]:
    """Names by split as the list has it; raises ValueError unless list and images are the same."""
    parts = _read_partition(path)
    by_name = {PurePosixPath(name).name: name for name in files.names}
    if len(by_name) < len(files.names):
        raise ValueError(f"{files.place}: expected each face once, but some names occur in several folders")
    unlisted = [name for name in by_name if name not in parts]
    absent = [name for name in parts if name not in by_name]
    if unlisted or absent:
        what = (
            f"lacks {examples(absent)} of its images" if absent else f"has {examples(unlisted)} that it does not name"
        )
        raise ValueError(f"{path} does not match: {files.place} {what}; unpack {IMAGES}.zip anew or remove the list")
    splits: dict[str, list[str]] = {"train": [], "held_out": []}
    for name, part in parts.items():
        split = SPLIT_OF[part]
        if split:
            splits[split].append(by_name[name])
    if not splits["train"]:
        raise ValueError(f"{path}: expected images of part 0 to train on, got none")
    return {split: names for split, names in splits.items() if names}


def _read_partition(path: Path) -> dict[str, str]:
    """Part by file name, from ``000001.jpg 0`` or, as Kaggle has it, ``000001.jpg,0`` below a heading."""
    parts = {}
    for number, line in enumerate(read_bytes(path).decode("utf-8", "replace").splitlines(), 1):
        fields = line.replace(",", " ").split()
        if not fields or fields == ["image_id", "partition"]:
            continue
        if len(fields) != 2 or fields[1] not in SPLIT_OF:
            raise ValueError(f"{path}, line {number}: expected a file name and 0, 1 or 2, got {line[:60]!r}")
        parts[fields[0]] = fields[1]
    return parts


def _permuted(files: FileSet) -> dict[str, list[str]]:
    return {split: [files.names[i] for i in rows] for split, rows in hold_out(len(files.names), "celeba").items()}


def _face(image: Image, where: str, *, size: int) -> Image:
    return face_square(_check_face(image, where), size)


def _check_face(image: Image, where: str) -> Image:
    if image.size != FACE_SIZE:
        raise ValueError(f"{where} is {image.width}x{image.height}: expected {HOW}")
    return image


DATASETS.register("celeba", Source(name="celeba", description="aligned faces, 64x64; img_align_celeba", find=find))
