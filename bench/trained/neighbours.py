"""Did a trained network copy? Its samples beside their nearest training images in feature space, as a record.

The yardstick is real: held-out images, which no network was trained on, have nearest training images too. Samples that
are systematically nearer than those would be copies.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.cell.identity import digest
from bench.fid.extractor import extract
from bench.fid.reference import chosen_rows, reference_for
from bench.random import stream
from bench.trained.nearest import Nearest, nearer, nearest
from results.neighbours import NeighboursRecord
from results.provenance import provenance

if TYPE_CHECKING:
    from torch import Tensor

    from bench.data import Dataset, Split
    from bench.fid import Extractor, Reference
    from bench.trained.drawing import Drawing
    from bench.trained.trained_cell import TrainedCell

SHOWN = 8  # samples, and held-out images, on the sheet: those nearest to a training image
DIGITS = 6
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourSearch:
    """What is compared with what: samples as ``drawing`` has them, and as many held-out images where there are.

    Each is looked for among ``training_images`` training images (0: all), the ``k`` nearest are kept. Raises ValueError
    for numbers that make no search.
    """

    drawing: Drawing
    k: int
    training_images: int = 0

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"--neighbours: expected at least 1, got {self.k}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The record, and its sheet as images (uint8, N C H W), ``columns`` a row."""

    record: NeighboursRecord
    sheet: Tensor
    columns: int


def training_neighbours(
    cell: TrainedCell,
    samples: Tensor,
    dataset: Dataset,
    extractor: Extractor,
    search: NeighbourSearch,
    *,
    progress: Progress = lambda doing: None,
) -> Neighbours:
    """The nearest training images to ``samples`` of ``cell`` and, as the yardstick, to held-out images.

    ``dataset`` holds pictures: of a cell of latents, those that the latents are of (`pictures_of`).
    Where the dataset is mirrored in training, so are the images that are looked for. Raises ValueError where the
    dataset holds out no images, and as `bench.fid.reference.reference_for` does.
    """
    if dataset.held_out is None:
        raise ValueError(f"dataset {dataset.name} holds out no images, so there is no yardstick; use one that does")
    started = time.monotonic()
    held_out = _held_out(dataset.held_out, search.drawing.count)
    progress("features of the training images (once a dataset and extractor)")
    reference = reference_for(
        dataset.train,
        name=dataset.train.name,
        fingerprint=dataset.train.fingerprint,
        extractor=extractor,
        count=search.training_images,
    )
    progress("nearest training images")
    of_samples = _search(samples, reference, extractor, k=search.k, mirrored=dataset.flip)
    of_held_out = _search(held_out, reference, extractor, k=search.k, mirrored=dataset.flip)
    rows = chosen_rows(len(dataset.train), reference.count)  # of the split, for rows of the reference
    of_samples, of_held_out = _of_split(of_samples, rows), _of_split(of_held_out, rows)
    shown, held_out_shown = (_closest(found) for found in (of_samples, of_held_out))
    return Neighbours(
        record=_record(
            cell, dataset, extractor, reference, search, of_samples, of_held_out, shown, held_out_shown,
            time.monotonic() - started,
        ),
        sheet=_sheet(
            dataset.train, (samples, of_samples, shown), (held_out, of_held_out, held_out_shown), rows=SHOWN
        ),
        columns=2 * (1 + search.k),
    )  # fmt: skip


def _held_out(split: Split, count: int) -> Tensor:
    """Images of a fixed permutation, uint8 (count, C, H, W); fewer where the split has fewer."""
    from bench.data import batch

    return batch(split, stream(0, "neighbours_held_out").permutation(len(split))[:count])


def _search(images: Tensor, reference: Reference, extractor: Extractor, *, k: int, mirrored: bool) -> Nearest:
    def nearest_to(these: Tensor) -> Nearest:
        features = np.concatenate(list(extract(extractor, these)))
        return nearest(features, reference.features, k=k, device=extractor.device)

    plain = nearest_to(images)
    return nearer(plain, nearest_to(images.flip(-1))) if mirrored else plain


def _of_split(found: Nearest, rows: npt.NDArray[np.int64]) -> Nearest:
    return Nearest(distances=found.distances, rows=rows[found.rows])


def _closest(found: Nearest) -> npt.NDArray[np.int64]:
    return np.argsort(found.distances[:, 0], kind="stable")[:SHOWN]


def _sheet(train: Split, *halves: tuple[Tensor, Nearest, npt.NDArray[np.int64]], rows: int) -> Tensor:
    """``rows`` rows: an image and its nearest training images, a half for samples and one for held-out images."""
    import torch

    from bench.data import batch

    lines = []
    for row in range(rows):
        for images, found, shown in halves:
            if row < len(shown):
                place = int(shown[row])
                lines += [images[place : place + 1], batch(train, found.rows[place])]
            else:
                lines.append(torch.full((1 + found.rows.shape[1], *images.shape[1:]), 255, dtype=torch.uint8))
    return torch.cat(lines)


def _record(
    cell: TrainedCell,
    dataset: Dataset,
    extractor: Extractor,
    reference: Reference,
    search: NeighbourSearch,
    of_samples: Nearest,
    of_held_out: Nearest,
    shown: npt.NDArray[np.int64],
    held_out_shown: npt.NDArray[np.int64],
    wall_s: float,
) -> NeighboursRecord:
    what: dict[str, Any] = {
        "extractor": extractor.name,
        "weights_sha256": extractor.card["weights_sha256"],
        "sampler": search.drawing.sampler,
        "nfe": search.drawing.evaluations,
        "guidance": search.drawing.guidance,
        "sample_seed": search.drawing.seed,
        "training_images": len(dataset.train),
        "compared": reference.count,
    }
    named = {key: cell.identity[key] for key in ("train_id", "step", "weights")}
    asked = {"count": search.drawing.count, "k": search.k, "reference": reference.hash}
    return NeighboursRecord(
        neighbours_id=digest({**named, **what, **asked}),
        **cell.identity,
        dataset=dataset.card,
        split=dataset.train.name,
        mirrored=dataset.flip,
        **what,
        distances=of_samples.distances.round(DIGITS).tolist(),
        rows=of_samples.rows.tolist(),
        held_out=of_held_out.distances[:, 0].round(DIGITS).tolist(),
        shown=shown.tolist(),
        held_out_shown=held_out_shown.tolist(),
        provenance={**provenance(), "runtime": cell.runtime.asdict(), "wall_s": round(wall_s, 3)},
    )
