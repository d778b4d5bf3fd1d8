"""MS-COCO's caption files (Lin et al. 2014, Chen et al. 2015): JSON with ``images`` and ``annotations``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.data.file_set import FileSet
from bench.data.files import read_bytes
from bench.data.places import examples

Captioned = dict[str, tuple[str, ...]]  # file name -> captions, in the order of image ids


def read_captions(path: Path) -> Captioned:
    """Each image's captions in the file's order; raises ValueError if ids of images and captions do not meet."""
    images, annotations = _lists(path)
    try:
        name_of = {int(image["id"]): str(image["file_name"]) for image in images}
        captions: dict[int, list[str]] = {number: [] for number in sorted(name_of)}
        strange = [str(each["image_id"]) for each in annotations if int(each["image_id"]) not in captions]
        if not strange:
            for each in annotations:
                captions[int(each["image_id"])].append(_text(each["caption"]))
    except (KeyError, TypeError, ValueError) as error:
        wanted = "images with id and file_name, annotations with image_id and caption"
        raise ValueError(f"{path}: expected {wanted}, but {type(error).__name__} at {error}; {_MEND}") from error
    if strange:
        raise ValueError(f"{path}: {examples(strange)} captions are of image ids that it does not list; {_MEND}")
    if len(set(name_of.values())) < len(images):
        raise ValueError(f"{path}: expected each image once, but ids or file names occur again; {_MEND}")
    bare = [name_of[number] for number, texts in captions.items() if not texts]
    if bare:
        raise ValueError(f"{path}: no caption for {examples(bare)} of its images; {_MEND}")
    return {name_of[number]: tuple(texts) for number, texts in captions.items()}


def check_match(path: Path, captioned: Captioned, files: FileSet) -> None:
    """Raises ValueError unless captions and images are of the same files."""
    present = set(files.names)
    missing = [name for name in captioned if name not in present]
    if missing:
        raise ValueError(f"{path} does not match {files.place}: {examples(missing)} of its images are missing; {_MEND}")
    untold = [name for name in files.names if name not in captioned]
    if untold:
        raise ValueError(f"{path} does not match {files.place}: no caption for {examples(untold)} images; {_MEND}")


_MEND = "unpack the images and annotations_trainval2014.zip of the same year anew"


def _lists(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    try:
        content = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no caption file: {error}; {_MEND}") from error
    lists = [content.get(key) if isinstance(content, dict) else None for key in ("images", "annotations")]
    if not all(isinstance(each, list) and each for each in lists):
        raise ValueError(f"{path}: expected lists of images and annotations as MS-COCO has them; {_MEND}")
    return lists[0], lists[1]  # type: ignore[return-value]


def _text(caption: Any) -> str:
    if not isinstance(caption, str):
        raise TypeError(f"the caption {caption!r}")
    return caption
