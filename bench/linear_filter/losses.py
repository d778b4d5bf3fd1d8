"""The linear filter of a dataset under a process, measured on its held-out images, as a record."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bench.data.source import content_hash
from bench.diffusion.noise_levels import LEVELS, T_MAX, T_MIN, level_edges, level_times
from bench.diffusion.process import PROCESSES, Process
from bench.linear_filter.moments import coefficient_moments
from bench.linear_filter.wiener import COLOURS, WienerFilter
from results.linear_filter import LinearFilterRecord
from results.provenance import provenance

if TYPE_CHECKING:
    from bench.data import Dataset, Split

BUILDER = 1  # raise it whenever other losses come out of the same images
NODES = 200  # of the midpoint rule in each level; its error under vp is 2e-5 of the cleanest level's loss
LEAST = 1e-12  # a variance of training images below it is rounding

Losses = list[float]


def linear_filter(dataset: Dataset, process: Process, *, colours: str = "by frequency") -> LinearFilterRecord:
    """The eps-loss by noise level of the Wiener filter of the training images, on the held-out ones, in closed form.

    Mirror images count where training mirrors. Raises ValueError where nothing is held out, where all training images
    are the same, and for a process that is not the registered one of its name, which is all that a record has.
    """
    started, held_out = time.monotonic(), _held_out(dataset)
    if PROCESSES.get(process.name) != process:
        raise ValueError(f"process {process.name}: expected the registered one of this name, got {process}")
    training, measured = coefficient_moments(dataset.train, flip=dataset.flip), coefficient_moments(held_out)
    wiener = WienerFilter.of(training, colours=colours)
    if wiener.spectrum.max() < LEAST:
        raise ValueError(f"{dataset.train.name}: expected training images that differ, got {training.count} equal ones")
    spectrum, power = wiener.spectrum_of(measured), measured.power
    return LinearFilterRecord(
        linear_filter_id=linear_filter_id(dataset, process, COLOURS[colours]),
        dataset=dataset.card,
        training_fingerprint=dataset.train.fingerprint,
        held_out_fingerprint=held_out.fingerprint,
        training_images=training.count,
        held_out_images=measured.count,
        process=process.name,
        builder=BUILDER,
        basis=COLOURS[colours],
        edges=level_edges().tolist(),
        log_snr=_log_snr(process),
        loss=by_level(lambda alpha, sigma: wiener.loss(spectrum, alpha, sigma), process),
        input_loss=by_level(lambda alpha, sigma: alpha**2 * power + (1 - sigma) ** 2, process),
        wall_s=round(time.monotonic() - started, 3),
        provenance=provenance(),
    )


def linear_filter_id(dataset: Dataset, process: Process, basis: str) -> str:
    """The id of a record: the images of both splits, whether they are mirrored, the process, levels, basis, builder."""
    images = [dataset.fingerprint, dataset.train.fingerprint, _held_out(dataset).fingerprint, f"flip {dataset.flip}"]
    levels = f"{LEVELS} levels of t from {T_MIN} to {T_MAX}, {NODES} nodes each"
    return content_hash(f"linear filter, builder {BUILDER}", *images, process.name, levels, basis)[:16]


def by_level(loss: Callable[[float, float], float], process: Process, nodes: int = NODES) -> Losses:
    """The mean of ``loss(alpha, sigma)`` over t uniform within each level, by the midpoint rule with ``nodes`` nodes.

    A discrete process is asked once a step: its nodes fall on equal times.
    """
    times, places = np.unique(process.training_times(level_times(nodes)), return_inverse=True)
    alphas, sigmas = process.marginal(times)
    losses = np.array([loss(float(alpha), float(sigma)) for alpha, sigma in zip(alphas, sigmas, strict=True)])
    means: Losses = losses[places.reshape(LEVELS, nodes)].mean(axis=1).tolist()
    return means


def _log_snr(process: Process) -> list[float]:
    middles = np.array([(low + high) / 2 for low, high in pairwise(level_edges())])
    log_snr: list[float] = (2 * process.log_snr_half(process.training_times(middles))).tolist()
    return log_snr


def _held_out(dataset: Dataset) -> Split:
    if dataset.held_out is None:
        raise ValueError(
            f"dataset {dataset.name}: a linear filter is measured on held-out images, and none are held out"
        )
    return dataset.held_out
