"""What scoring shares between the cells of a process: the extractor and the reference, and the checks before a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cell.identity import Cell, score_points
from bench.cell.place import Place
from bench.config import EvaluationConfig
from bench.latents.decoder import decoder_for, forget_decoder, pictures_of

if TYPE_CHECKING:
    from bench.data import Split
    from bench.fid import Extractor, Reference

Progress = Callable[[int], None]


@lru_cache(maxsize=2)
def extractor_for(name: str, device: str, weights: Path | None) -> Extractor:
    """The extractor ``name`` on ``device``, loaded once; ``weights`` is a file with its weights."""
    from bench.fid import load_extractor

    return load_extractor(name, device=device, weights=weights)


def forget_extractors() -> None:
    """Give back what extractors and decoder hold on a GPU in this process; they load again when they are asked for."""
    import torch

    extractor_for.cache_clear()
    cached_reference.cache_clear()
    forget_decoder()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


@lru_cache(maxsize=4)
def cached_reference(split: Split, extractor: str, device: str, weights: Path | None, count: int) -> Reference:
    """The reference of ``count`` images of ``split`` (0: all), once for all cells that hand in this very split.

    ``extractor``, ``device`` and ``weights`` are as `extractor_for` takes them.
    """
    return _reference_of(split, extractor_for(extractor, device, weights), count)


def _reference_of(split: Split, extractor: Extractor, count: int, progress: Progress | None = None) -> Reference:
    from bench.fid import reference_for

    return reference_for(
        split,
        name=split.name,
        fingerprint=split.fingerprint,
        extractor=extractor,
        count=count,
        progress=progress or (lambda done: None),
    )


def check_names(evaluation: EvaluationConfig) -> None:
    """Raise ValueError for a sampler, extractor or metric that is not registered."""
    from bench.diffusion.samplers import SAMPLERS
    from bench.fid import EXTRACTORS, METRICS

    for name in (evaluation.sampler, evaluation.final_sampler, *(draw.sampler for draw in evaluation.written_sweep)):
        SAMPLERS.get(name)
    if evaluation.sweep and not evaluation.samples:
        raise ValueError("evaluation.sweep: expected evaluation.samples of at least 2 to score it with, got 0")
    EXTRACTORS.get(evaluation.extractor)
    if evaluation.samples and not evaluation.metrics:
        raise ValueError(f"evaluation.metrics: expected at least one of {', '.join(METRICS.names())}; got none")
    for name in evaluation.metrics:
        METRICS.get(name)


def warm_scoring(cell: Cell, place: Place, *, progress: Progress | None = None) -> None:
    """Compute the cached reference once, before cells share it. Raises ValueError for weights that are missing.

    Latents also need their autoencoder, and the images that they are of.
    """
    if not score_points(cell.evaluation, cell.training.steps):
        return
    device = place.runtime.device
    extractor = extractor_for(cell.evaluation.extractor, device, place.extractor_weights)
    dataset = place.dataset_of(cell)
    split = pictures_of(dataset).train
    if dataset.encoding is not None:
        decoder_for(dataset.encoding.card(), device)
    reference = _reference_of(split, extractor, cell.evaluation.reference_count, progress)
    if "kernel" in cell.evaluation.metrics:
        reference.kernel_self_term(device)
