"""Any set of images by name, as ``uvit score`` takes it: a folder, an ``.npz`` or ``dataset:split``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.data.dataset import Dataset, Labels, Pixels, Split
from bench.data.files import image_paths, read_npz
from bench.data.load import SPLITS, load_dataset
from bench.data.pixels import channels_first, read_rgb
from bench.data.source import DATASETS, content_hash


def load_images(text: str | Path, *, data_dir: Path | None = None, cache_dir: Path | None = None) -> Split:
    """The images that ``text`` names, at their own size: uint8 ``(N, C, H, W)``.

    A folder and an ``.npz`` are taken whole and as they are (no crop, no resize: that would change the score);
    ``photos:held_out`` is one split of a dataset. Raises ValueError for what the user can mend.
    """
    path = Path(text).expanduser()
    if str(text) and path.is_dir():
        return _folder(path.absolute())
    if path.suffix.lower() == ".npz" and not str(text).startswith("npz:"):
        return _npz(path.absolute())
    name, _, split = str(text).rpartition(":")
    if split in SPLITS and name:
        return _split(load_dataset(name, data_dir=data_dir, cache_dir=cache_dir), name, split)
    raise ValueError(_complaint(str(text)))


def _complaint(text: str) -> str:
    head = text.partition(":")[0]
    if head in DATASETS:
        whole = text if ":" not in text or DATASETS.get(head).takes_path else head
        return f"which split of {whole}? write {' or '.join(f'{whole}:{split}' for split in SPLITS)}, got {text!r}"
    return f"expected a folder of images, an .npz file or dataset:split (photos:held_out), but there is no {text!r}"


def _split(dataset: Dataset, name: str, split: str) -> Split:
    """One split of the dataset that a user calls ``name``."""
    if dataset.encoding is not None:
        raise ValueError(
            f"{name} holds latents, not images; score {dataset.encoding.source}:{split}, of which they are"
        )
    if split == "train":
        return dataset.train
    if dataset.held_out is None:
        raise ValueError(f"dataset {name} has no held-out split; write {name}:train")
    return dataset.held_out


def _folder(root: Path) -> Split:
    paths = image_paths(root)
    first = channels_first(read_rgb(paths[0]))
    images = np.empty((len(paths), *first.shape), np.uint8)
    for i, path in enumerate(paths):
        image = channels_first(read_rgb(path))
        if image.shape != first.shape:
            sizes = [f"{name} is {x.shape[2]}x{x.shape[1]}" for name, x in ((paths[0].name, first), (path.name, image))]
            raise ValueError(f"{root}: expected images of one size, but {' and '.join(sizes)}; resize them first")
        images[i] = image
    return image_set(f"folder:{root.name}", images)


def _npz(path: Path) -> Split:
    images, labels = read_npz(path)
    return image_set(f"npz:{path.stem}", images, labels)


def image_set(name: str, images: Pixels, labels: Labels | None = None) -> Split:
    """Images uint8 ``(N, C, H, W)`` that are no dataset's, under ``name``; their fingerprint is of their pixels."""
    fingerprint = content_hash(f"images {images.shape}", images.tobytes())
    return Split(name=name, fingerprint=fingerprint, images=images, labels=labels)
