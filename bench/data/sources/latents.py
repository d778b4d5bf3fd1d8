"""``latents:PATH``: what ``uvit encode`` wrote, mapped where it lies; nothing is decoded or copied into the cache."""

from __future__ import annotations

import json
from pathlib import Path

from bench.data.contexts import Contexts
from bench.data.dataset import Dataset, Moments, Split
from bench.data.latent_folder import CONTEXT, EMPTY, ENDS, LABELS, MIRRORED, MOMENTS, LatentFolder, read_folder
from bench.data.source import DATASETS, DatasetRequest, Recipe, Source, content_hash


def find(request: DatasetRequest) -> Recipe:
    """The recipe over the latents in ``request.argument``; raises ValueError naming what is missing or damaged."""
    stored = read_folder(Path(request.argument).expanduser().absolute())
    encoding = stored.encoding
    if request.image_size not in (None, encoding.image_size, encoding.size):
        raise ValueError(
            f"latents {stored.folder} are of images of {encoding.image_size} pixels; set training.image_size=0, or "
            f"encode again with --image-size {request.image_size}"
        )
    fingerprint = content_hash("latents", json.dumps(encoding.identity(), sort_keys=True))
    return Recipe(
        name=f"latents:{stored.folder.name}",
        fingerprint=fingerprint,
        image_size=encoding.size,
        channels=encoding.channels,
        num_classes=encoding.num_classes,
        flip=encoding.flip,
        decode=lambda: iter(()),
        stored=lambda: _dataset(stored, fingerprint),
    )


def _dataset(stored: LatentFolder, fingerprint: str) -> Dataset:
    encoding = stored.encoding
    splits = {split: _split(stored, split, fingerprint) for split in stored.counts}
    return Dataset(
        name=f"latents:{stored.folder.name}",
        train=splits["train"],
        held_out=splits.get("held_out"),
        num_classes=encoding.num_classes,
        channels=encoding.channels,
        image_size=encoding.size,
        flip=encoding.flip,
        fingerprint=fingerprint,
        card=_card(stored, fingerprint),
        encoding=encoding,
    )


def _split(stored: LatentFolder, split: str, fingerprint: str) -> Split:
    moments = stored.array(split, MOMENTS)
    assert moments is not None, "read_folder has seen every split's file"
    return Split(
        name=f"latents:{stored.folder.name}:{split}",
        fingerprint=content_hash(fingerprint, split),
        images=moments,
        labels=stored.array(split, LABELS),
        moments=Moments(scale=stored.encoding.scale, mirrored=stored.array(split, MIRRORED)),
        contexts=_contexts(stored, split),
    )


def _contexts(stored: LatentFolder, split: str) -> Contexts | None:
    rows, ends, empty = stored.array(split, CONTEXT), stored.array(split, ENDS), stored.load(f"{EMPTY}.npy")
    if rows is None or ends is None or empty is None:
        return None
    return Contexts(rows=rows, ends=ends, empty=empty)


def _card(stored: LatentFolder, fingerprint: str) -> dict[str, object]:
    encoding = stored.encoding
    return {
        "name": f"latents:{stored.folder.name}",
        "fingerprint": fingerprint,
        "train": stored.counts["train"],
        "held_out": stored.counts.get("held_out", 0),
        "image_size": encoding.size,
        "channels": encoding.channels,
        "num_classes": encoding.num_classes,
        "flip": encoding.flip,
        "encoding": {**encoding.card(), "made_with": stored.made_with},
        "decoded_sha256": {split: stored.sha256[f"{split}_{MOMENTS}.npy"] for split in stored.counts},
    }


DATASETS.register(
    "latents",
    Source(
        name="latents", description="an autoencoder's latents, as uvit encode stores them", find=find, takes_path=True
    ),
)
