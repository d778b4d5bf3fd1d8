"""CelebA, ImageNet and MS-COCO as their archives unpack, a few images large."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.data.makers import picture

WNIDS = ("n01440764", "n01443537", "n02123045")


def photograph(seed: int, height: int, width: int) -> np.ndarray:
    """Smooth colours, so that JPEG keeps them nearly: uint8 (H, W, 3)."""
    y, x = np.mgrid[:height, :width] / 40
    waves = [np.sin(y * (1 + seed % 3) + c) + np.cos(x * (1 + seed % 5) + seed + c) for c in range(3)]
    return np.uint8(127.5 + 60 * np.stack(waves, -1))


def celeba(root: Path, count: int = 12, parts: list[int] | None = None) -> Path:
    """``img_align_celeba`` of JPEGs, 178 wide and 218 high, and the list of parts if they are given."""
    for i in range(1, count + 1):
        picture(root / "img_align_celeba" / f"{i:06d}.jpg", photograph(i, 218, 178), quality=95)
    if parts is not None:
        lines = [f"{i:06d}.jpg {part}\n" for i, part in enumerate(parts, 1)]
        (root / "list_eval_partition.txt").write_text("".join(lines))
    return root


def packed(folder: Path) -> Path:
    """``folder`` as a zip archive beside it, with the litter of macOS; the folder is gone."""
    path = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.jpg")):
            archive.write(file, f"{folder.name}/{file.relative_to(folder)}")
            archive.writestr(f"__MACOSX/{folder.name}/._{file.name}", b"litter")
            file.unlink()
    folder.rmdir()
    return path


def imagenet(root: Path, *, train: int = 4, val: int = 2, wnids: tuple[str, ...] = WNIDS) -> Path:
    """``train/<wnid>/<wnid>_<number>.JPEG`` and ``val/<wnid>/ILSVRC2012_val_<number>.JPEG``, of many shapes."""
    number = 0
    for label, wnid in enumerate(wnids):
        for i in range(train):
            image = photograph(10 * label + i, 90 + 40 * (i % 4), 220 - 30 * (i % 4))
            picture(root / "train" / wnid / f"{wnid}_{i * 7 + 10}.JPEG", image, quality=95)
        for _ in range(val):
            number += 1
            path = root / "val" / wnid / f"ILSVRC2012_val_{number:08d}.JPEG"
            picture(path, photograph(100 + number, 150, 200), quality=95)
    return root


def annotations(names: dict[int, str], captions: dict[int, list[str]]) -> dict[str, Any]:
    """The JSON of a caption file; captions of different images alternate, as in the true one."""
    turns = [(i, texts[k]) for k in range(9) for i, texts in captions.items() if k < len(texts)]
    return {
        "info": {"description": "COCO 2014 Dataset", "year": 2014},
        "licenses": [{"id": 1, "name": "Attribution-NonCommercial-ShareAlike License"}],
        "images": [{"license": 1, "file_name": name, "height": 0, "width": 0, "id": i} for i, name in names.items()],
        "annotations": [
            {"image_id": image, "id": 40_000 + n, "caption": caption} for n, (image, caption) in enumerate(turns)
        ],
    }


def coco(root: Path, *, train: int = 5, val: int = 3) -> dict[str, dict[str, Any]]:
    """Images, caption files and what the latter say, by folder; ids fall, so that nothing is sorted by chance."""
    said = {}
    for folder, count in (("train2014", train), ("val2014", val)):
        ids = [900 - 37 * i for i in range(count)]
        names = {i: f"COCO_{folder}_{i:012d}.jpg" for i in ids}
        for n, name in enumerate(names.values()):
            picture(root / folder / name, photograph(n, 120 + 20 * n, 160), quality=95)
        captions = {i: [f"caption {k} of {i} in {folder}, é 猫" for k in range(5 + i % 2)] for i in ids}
        said[folder] = annotations(names, captions)
        write_captions(root, folder, said[folder])
    return said


def write_captions(root: Path, folder: str, content: Any) -> None:
    path = root / "annotations" / f"captions_{folder}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
