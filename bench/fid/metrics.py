"""From images to scores: features, statistics, distance, each score with its card and its floor beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from bench.fid.distance import frechet_distance, frechet_from_features
from bench.fid.extractor import Extractor, extract
from bench.fid.jackknife import frechet_error
from bench.fid.kernel import distance_and_error
from bench.fid.metric_names import metric_name, neighbour_name
from bench.fid.precision_recall import K, precision_recall
from bench.fid.reference import Reference
from bench.fid.statistics import Statistics
from bench.fid.versions import versions
from bench.random import stream
from results.store import write_json
from variants.registry import Registry

if TYPE_CHECKING:
    from bench.data import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One number, what it is called, and everything needed to know what it measures (JSON-able)."""

    metric: str
    value: float
    card: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Generated images as an extractor sees them; features (n, d) float32 only where a metric needs them."""

    count: int
    statistics: Statistics | None
    features: npt.NDArray[np.float32] | None
    extractor: Extractor
    seed: int

    @cached_property
    def device(self) -> str:
        """Where kernel sums are computed; they need float64, which not every accelerator has."""
        return self.extractor.device if self.extractor.device.startswith("cuda") else "cpu"


KEPT = 20_000  # images up to which features stay in memory (160 MB at 2,048) for the sake of the jackknife

Value = tuple[str, float, dict[str, Any]]  # name, value, what belongs on the card besides


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFamily:
    """How one family of scores is computed, and whether it needs the features themselves."""

    needs_features: bool
    measure: Callable[[Sample, Reference], list[Value]]


METRICS: Registry[MetricFamily] = Registry("metric")


def score_images(
    images: Any,
    *,
    reference: Reference,
    extractor: Extractor,
    held_out: Split | None = None,
    seed: int = 0,
    metrics: Sequence[str] = ("frechet", "kernel", "precision_recall"),
    progress: Callable[[int], None] = lambda done: None,
) -> list[Scored]:
    """Score uint8 images (N, C, H, W), numpy or torch on any device, against ``reference``.

    ``held_out`` real images give each score its floor: the same metric on as many of them against the same reference.
    ``seed`` draws the subsets of precision and recall. Raises ValueError for an unknown metric, an extractor that is
    not the reference's, too few images and features that are not finite.
    """
    chosen = _checked(metrics, reference, extractor)
    sample = _sample(images, extractor, chosen, seed, progress)
    floors, reason = _floors(sample.count, reference, extractor, held_out, chosen)
    scores = []
    for name, metric in chosen.items():
        for label, value, extra in metric.measure(sample, reference):
            floor = {"floor": floors.get(label), "floor_reason": reason}
            scores.append(
                Scored(metric=label, value=value, card=_card(name, sample.count, reference, extractor) | extra | floor)
            )
    return scores


def _checked(metrics: Sequence[str], reference: Reference, extractor: Extractor) -> dict[str, MetricFamily]:
    if not metrics:
        raise ValueError(f"expected at least one metric of: {', '.join(METRICS.names())}")
    if (extractor.name, extractor.card["weights_sha256"]) != (reference.extractor, reference.weights_sha256):
        raise ValueError(
            f"reference {reference.name} is of {reference.extractor} (weights {reference.weights_sha256[:12]}), "
            f"not {extractor.name} ({extractor.card['weights_sha256'][:12]}); make one with this extractor"
        )
    return {name: METRICS.get(name) for name in dict.fromkeys(metrics)}


def _sample(
    images: Any, extractor: Extractor, metrics: dict[str, MetricFamily], seed: int, progress: Callable[[int], None]
) -> Sample:
    """Features of all images: kept where a metric needs them or there are not many, else only their statistics."""
    count = len(images)
    if count < 2:
        raise ValueError(f"a score needs at least two images, got {count}")
    keep = count <= max(extractor.dim, KEPT) or any(metric.needs_features for metric in metrics.values())
    features = np.empty((count, extractor.dim), np.float32) if keep else None
    statistics = Statistics(extractor.dim) if count > extractor.dim else None
    done = 0
    for rows in extract(extractor, images, progress=progress):
        if features is not None:
            features[done : done + len(rows)] = rows
        if statistics is not None:
            statistics.update(rows)
        done += len(rows)
    return Sample(count=count, statistics=statistics, features=features, extractor=extractor, seed=seed)


def _frechet(sample: Sample, reference: Reference) -> list[Value]:
    name = metric_name("frechet", sample.extractor.name, sample.count)
    if sample.statistics is not None:
        value = frechet_distance(sample.statistics.mean, sample.statistics.cov, reference.mean, reference.cov)
    else:
        value = frechet_from_features(sample.features, reference.mean, reference.cov)
    error = None
    if sample.features is not None:
        error = frechet_error(sample.features, reference.mean, reference.cov)
    return [(name, value, _sampling(error))]


def _kernel(sample: Sample, reference: Reference) -> list[Value]:
    own = reference.kernel_self_term(sample.device)
    value, error = distance_and_error(sample.features, reference.features, reference_self=own, device=sample.device)
    name = metric_name("kernel", sample.extractor.name, sample.count)
    return [(name, value, {"kernel": "(x.y / d + 1)^3, unbiased, full sample", **_sampling(error)})]


def _sampling(error: float | None) -> dict[str, float | None]:
    """How far this one score would move with other images of the same model. Says nothing of other seeds."""
    return {"sampling_se": error}


def _precision_recall(sample: Sample, reference: Reference) -> list[Value]:
    measured = precision_recall(sample.features, reference.features, seed=sample.seed)
    extra = {"subset": measured.count, "subset_seed": sample.seed, "k": K}
    kinds: tuple[Literal["precision", "recall"], ...] = ("precision", "recall")
    return [(neighbour_name(kind, measured.count, K), getattr(measured, kind), extra) for kind in kinds]


METRICS.register("frechet", MetricFamily(needs_features=False, measure=_frechet))
METRICS.register("kernel", MetricFamily(needs_features=True, measure=_kernel))
METRICS.register("precision_recall", MetricFamily(needs_features=True, measure=_precision_recall))


def _floors(
    count: int, reference: Reference, extractor: Extractor, held_out: Split | None, metrics: dict[str, MetricFamily]
) -> tuple[dict[str, float], str | None]:
    """Each metric on ``count`` held-out real images against the same reference, and why there is none if so.

    Cached beside the reference; the images are the first of a fixed permutation, the same for every cell.
    """
    if held_out is None:
        return {}, "n/a: the dataset holds no images out"
    if len(held_out) < count:
        return {}, f"n/a: {len(held_out)} images held out, {count} needed"
    path = reference.folder / "floors" / f"{held_out.fingerprint[:16]}-{count}.json"
    floors = _read_floors(path)
    missing = {name: metric for name, metric in metrics.items() if name not in floors}
    if missing:
        images = _real_images(held_out, count)
        sample = _sample(images, extractor, missing, 0, lambda done: None)
        measured = {
            name: {label: value for label, value, _ in metric.measure(sample, reference)}
            for name, metric in missing.items()
        }
        floors = floors | measured
        with suppress(OSError):  # a cache that cannot be written costs time, not the score
            write_json(path, floors)
    return {label: value for name in metrics for label, value in floors[name].items()}, None


def _real_images(held_out: Split, count: int) -> npt.NDArray[np.uint8]:
    return held_out.images[np.sort(stream(0, "floor").permutation(len(held_out))[:count])]


def _read_floors(path: Path) -> dict[str, dict[str, float]]:
    try:
        floors = json.loads(path.read_text())
        return {str(name): {str(k): float(v) for k, v in values.items()} for name, values in floors.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _card(metric: str, count: int, reference: Reference, extractor: Extractor) -> dict[str, Any]:
    return {
        "kind": metric,
        "count": count,
        **extractor.card,
        "reference": reference.name,
        "reference_count": reference.count,
        "reference_hash": reference.hash,
        "libraries": versions("torch", "numpy", "scipy"),
    }
