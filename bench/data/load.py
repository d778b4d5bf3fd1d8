"""From a dataset's name to its decoded images."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.data.cache import Decoded, decoded
from bench.data.dataset import Dataset, Split
from bench.data.pixels import at_size
from bench.data.source import DATASETS, DatasetRequest, Recipe, content_hash
from bench.files.paths import cache_dir as default_cache_dir
from bench.files.paths import data_dir as default_data_dir

SPLITS = ("train", "held_out")


def list_datasets() -> list[dict[str, str]]:
    """``name`` (as a user writes it) and ``description`` of every dataset; imports no torch."""
    return [{"name": source.usage, "description": source.description} for _, source in DATASETS.items()]


def load_dataset(
    name: str, *, data_dir: Path | None = None, cache_dir: Path | None = None, image_size: int | None = None
) -> Dataset:
    """The dataset ``name`` (one of `list_datasets`), decoded into the cache on first use.

    ``image_size`` must divide the dataset's own and takes the mean over pixels; for those of image files (``folder``,
    ``celeba``, ``imagenet``, ``coco``) it is the size to resize to. Raises ValueError for what the user can mend,
    OSError when the disk refuses.
    """
    cache = cache_dir or default_cache_dir()
    recipe = find_recipe(name, data_dir=data_dir, cache_dir=cache, image_size=image_size)
    if recipe.stored is not None:
        return _with_images_in(recipe.stored(), data_dir)
    return _dataset(recipe, decoded(recipe, cache))


@lru_cache(maxsize=4)
def load_cached_dataset(name: str, data_dir: Path | None, image_size: int | None) -> Dataset:
    """The dataset ``name`` as `load_dataset` gives it, found, checked and mapped once a process."""
    return load_dataset(name, data_dir=data_dir, image_size=image_size)


def find_recipe(
    name: str, *, data_dir: Path | None = None, cache_dir: Path | None = None, image_size: int | None = None
) -> Recipe:
    """The dataset found and identified but not decoded; raises ValueError as `load_dataset` does."""
    head, colon, argument = name.partition(":")
    source = DATASETS.get(head)
    if source.takes_path and not argument:
        raise ValueError(f"dataset {head} needs a path: write {source.usage}")
    if colon and not source.takes_path:
        raise ValueError(f"dataset {head} takes no path: write {head}, got {name!r}")
    if image_size is not None and image_size < 1:
        raise ValueError(f"image size must be a positive number of pixels, got {image_size}")
    request = DatasetRequest(
        data_dir=data_dir or default_data_dir(),
        cache_dir=cache_dir or default_cache_dir(),
        argument=argument,
        image_size=image_size,
    )
    recipe = source.find(request)
    return recipe if recipe.stored is not None else at_size(recipe, image_size)


def _with_images_in(dataset: Dataset, given: Path | None) -> Dataset:
    """``dataset``; of latents, one whose images are looked for in ``given``, else where they lay when they were encoded
    if that is there, else where all datasets are.
    """
    if dataset.encoding is None:
        return dataset
    recorded = Path(dataset.encoding.data_dir)
    place = given or (recorded if recorded.is_dir() else "")
    return replace(dataset, encoding=replace(dataset.encoding, data_dir=str(place)))


def _dataset(recipe: Recipe, arrays: Decoded) -> Dataset:
    splits = {split: _split(recipe, arrays, split) for split in SPLITS if split in arrays.images}
    return Dataset(
        name=recipe.name,
        train=splits["train"],
        held_out=splits.get("held_out"),
        num_classes=recipe.num_classes,
        channels=recipe.channels,
        image_size=recipe.image_size,
        flip=recipe.flip,
        fingerprint=recipe.fingerprint,
        card=_card(recipe, arrays),
    )


def _split(recipe: Recipe, arrays: Decoded, split: str) -> Split:
    return Split(
        name=f"{recipe.name}:{split}",
        fingerprint=content_hash(recipe.fingerprint, split),
        images=arrays.images[split],
        labels=arrays.labels[split],
        captions=arrays.captions[split],
    )


def _card(recipe: Recipe, arrays: Decoded) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "fingerprint": recipe.fingerprint,
        **{split: len(arrays.images[split]) if split in arrays.images else 0 for split in SPLITS},
        "image_size": recipe.image_size,
        "channels": recipe.channels,
        "num_classes": recipe.num_classes,
        "flip": recipe.flip,
        **recipe.card,
        "decoder": arrays.decoder,
        "decoded_sha256": {split: arrays.sha256[f"{split}_images.npy"] for split in arrays.images},
    }
