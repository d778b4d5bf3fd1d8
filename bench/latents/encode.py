"""``uvit encode``: the autoencoder's moments of every image of a dataset, and of its mirror image, computed once.

Captions, where they are asked for, go through a text encoder beside them (`bench.latents.encode_text`).

Moments are stored rather than samples, as the official code does: each training step draws z anew from them.
N images, C image channels, H = W pixels, Z latent channels, h = w places.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.data.latent_folder import LABELS, META, MIRRORED, MOMENTS, Encoding, LatentFolder, read_folder
from bench.latents.autoencoder import Autoencoder, AutoencoderKL, load_autoencoder
from bench.latents.encode_text import encode_captions, with_text
from bench.latents.text_encoder import load_text_encoder
from bench.latents.writing import GrowingArray, PartialFolder

if TYPE_CHECKING:
    from bench.data import Dataset, Split

Progress = Callable[[str, int, int], None]  # split, images done, images in all


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingTask:
    """What is encoded, by what, where to; ``flips`` None: as the dataset mirrors, ``scale`` 0: the autoencoder's."""

    dataset: str
    autoencoder: str
    out: Path
    image_size: int = 0
    batch: int
    scale: float = 0.0
    flips: bool | None = None
    text_encoder: str = ""  # of captions; "" = none are encoded
    device: str
    data_dir: Path | None = None


def encode_dataset(task: EncodingTask, *, progress: Progress | None = None) -> tuple[LatentFolder, bool]:
    """Encode a dataset into ``task.out``; returns what lies there, and whether anything was left to do.

    A run that was killed goes on where it stopped. Raises ValueError where the request is wrong: a dataset or an
    autoencoder that is not there or does not fit, an output folder that holds something else.
    """
    from bench.data import load_dataset
    from bench.machine.runtime import applied_runtime

    _check(task)
    dataset = load_dataset(task.dataset, data_dir=_looked_in(task), image_size=task.image_size or None)
    if dataset.encoding is not None:
        raise ValueError(f"dataset {task.dataset} is latents already; encode the images that it was made of")
    runtime = applied_runtime(device=task.device, precision="float32")
    autoencoder = load_autoencoder(task.autoencoder, device=runtime.device)
    encoding, text = _encoding(task, dataset, autoencoder), None
    if task.text_encoder:
        text = load_text_encoder(task.text_encoder, device=runtime.device)
        encoding = with_text(encoding, dataset, text)
    if (task.out / META).exists():
        return _same(task.out, encoding), False
    splits, tell = _splits(dataset), progress or _silent
    with PartialFolder(task.out, encoding.identity() | {"batch": task.batch, "device": runtime.device}) as folder:
        for name, split in splits.items():
            _encode_split(folder, name, split, encoding, autoencoder, task.batch, tell)
        if text is not None:
            encode_captions(folder, splits, text, task.batch, tell)
        counts = {name: len(split) for name, split in splits.items()}
        folder.finish(asdict(encoding), counts, _made_with(runtime.device))
    return read_folder(task.out), True


def _check(task: EncodingTask) -> None:
    for name, value, least in (("batch", task.batch, 1), ("image-size", task.image_size, 0)):
        if value < least:
            raise ValueError(f"--{name}: expected at least {least}, got {value}")
    if not 0 <= task.scale < float("inf"):
        raise ValueError(f"--scale: expected a number above 0 (0.18215 is Stable Diffusion's), got {task.scale}")
    out = task.out
    if out.exists() and not (out / META).exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"--out {out} exists and holds no latents; give a new folder")


def _looked_in(task: EncodingTask) -> Path:
    """Where the dataset is looked for, as any working directory understands it."""
    from bench.files.paths import data_dir

    return (task.data_dir or data_dir()).absolute()


def _encoding(task: EncodingTask, dataset: Dataset, autoencoder: AutoencoderKL) -> Encoding:
    if autoencoder.image_channels != dataset.channels:
        raise ValueError(
            f"autoencoder {task.autoencoder} takes images of {autoencoder.image_channels} channels; "
            f"dataset {dataset.name} has {dataset.channels}"
        )
    if dataset.image_size % autoencoder.factor:
        raise ValueError(
            f"autoencoder {task.autoencoder} shrinks images {autoencoder.factor} times; the {dataset.image_size} "
            f"pixels of {dataset.name} do not divide by that, so give another --image-size"
        )
    located = autoencoder.located
    return Encoding(
        source=_absolute(task.dataset),
        source_fingerprint=dataset.fingerprint,
        data_dir=str(_looked_in(task)),
        image_size=dataset.image_size,
        image_channels=dataset.channels,
        num_classes=dataset.num_classes,
        flip=dataset.flip if task.flips is None else task.flips,
        autoencoder=located.name,
        encoder_sha256=located.encoder_sha256,
        decoder_sha256=located.decoder_sha256,
        scale=task.scale or autoencoder.scaling_factor,
        channels=autoencoder.latent_channels,
        size=dataset.image_size // autoencoder.factor,
    )


def _absolute(dataset: str) -> str:
    """The dataset's name as it is understood from any working directory."""
    kind, colon, path = dataset.partition(":")
    return f"{kind}:{Path(path).expanduser().absolute()}" if colon else dataset


def _same(out: Path, encoding: Encoding) -> LatentFolder:
    """What lies at ``out`` if it is what was asked for."""
    stored = read_folder(out)
    there, asked = stored.encoding.identity(), encoding.identity()
    for name in (name for name in asked | there if there.get(name) != asked.get(name)):
        raise ValueError(
            f"--out {out} holds latents of another request ({name} is {there.get(name)}, not {asked.get(name)}); "
            "give a new folder"
        )
    return stored


def _splits(dataset: Dataset) -> dict[str, Split]:
    return {"train": dataset.train} | ({"held_out": dataset.held_out} if dataset.held_out is not None else {})


def _encode_split(
    folder: PartialFolder,
    name: str,
    split: Split,
    encoding: Encoding,
    autoencoder: Autoencoder,
    batch: int,
    progress: Progress,
) -> None:
    """Moments of one split, after what an earlier attempt has; mirror images of the training split alone."""
    shape = (2 * encoding.channels, encoding.size, encoding.size)
    kinds = [MOMENTS, MIRRORED] if encoding.flip and name == "train" else [MOMENTS]
    arrays = {kind: folder.rows(f"{name}_{kind}", len(split), shape) for kind in kinds}
    done = min(array.done(batch) for array in arrays.values())
    for array in arrays.values():
        array.cut(done)
    for first in range(done, len(split), batch):
        _append(arrays, split, np.arange(first, min(first + batch, len(split))), autoencoder)
        progress(name, min(first + batch, len(split)), len(split))
    if split.labels is not None:
        folder.write(f"{name}_{LABELS}", np.asarray(split.labels, np.int64))


def _append(arrays: dict[str, GrowingArray], split: Split, rows: np.ndarray, autoencoder: Autoencoder) -> None:
    from bench.data import batch, to_unit

    for kind, array in arrays.items():
        images = batch(split, rows, np.full(len(rows), kind == MIRRORED))
        array.append(autoencoder.encode(to_unit(images)).cpu().numpy())


def _made_with(device: str) -> dict[str, str | None]:
    from bench.fid.versions import versions

    return {**versions("torch", "diffusers", "transformers", "numpy"), "device": device}


def _silent(split: str, done: int, total: int) -> None:
    pass


class EncodingProgress:
    """Says on standard error how far the encoding is, every few seconds."""

    def __init__(self, *, every_s: float = 5.0) -> None:
        self.every_s, self.last = every_s, time.monotonic()

    def __call__(self, split: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last >= self.every_s:
            self.last = now
            print(f"encoding {split}: {done:,} of {total:,} images", file=sys.stderr, flush=True)
