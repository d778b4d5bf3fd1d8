"""Output folders with planted effects, written through the real store."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from results import SCHEMA, Record, Score, Store
from results.calibration import Bound, CalibrationRecord
from results.cka import CkaRecord
from results.linear_filter import LinearFilterRecord
from results.manifest import Manifest
from results.neighbours import NeighboursRecord
from results.profile import ProfileRecord

FORMULAS = {
    "concat": "Linear([h_m; h_s])",
    "linear_sum": "Linear(h_m + h_s)",
    "linear_skip": "h_m + Linear(h_s)",
    "add": "h_m + h_s",
    "none": "h_m",
}
EFFECT = {"concat": 0.0, "linear_sum": 0.001, "linear_skip": 0.002, "add": 0.005, "none": 0.006}
SKIP_PARAMS = {"concat": 98_304, "linear_sum": 49_152, "linear_skip": 49_152, "add": 0, "none": 0}
FD = "fd_effnet_lite0_1k"


def identity(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


def sample_card(**changes: Any) -> dict[str, Any]:
    return {
        "metric": FD,
        "count": 1000,
        "extractor": "effnet-lite0",
        "weights_sha256": "ab" * 32,
        "resize": "antialiased bicubic to 64 px",
        "reference": "photos:train",
        "reference_count": 50_000,
        "reference_hash": "cd" * 32,
        "sampler": "dpm_solver",
        "nfe": 50,
        "guidance": 1.0,
        "floor": 21.43,
    } | changes


def loss_card() -> dict[str, Any]:
    return {
        "metric": "val_loss",
        "images_per_bin": 500,
        "bins": 5,
        "reference": "photos:held_out",
        "fingerprint": "ef" * 32,
    }


def score(train_id: str, step: int, weights: str, metric: str, value: float | None, card: dict[str, Any]) -> Score:
    return Score(
        score_id=identity(train_id, step, weights, card.get("sampler")),
        step=step, weights=weights, metric=metric, value=value, card=card, train_macs=step * 10**9, wall_s=step / 10,
    )  # fmt: skip


def cell_scores(arm: str, seed: int, steps: Iterable[int], **card: Any) -> list[Score]:
    """Scores that fall with the step; a seed shifts all arms alike, an arm shifts all seeds alike."""
    train_id, noise = identity(arm, seed), np.random.default_rng([seed, len(arm)])
    shift = 0.002 * np.random.default_rng(seed).standard_normal()
    scores = []
    for step in steps:
        decay = math.exp(-step / 900)
        loss = 0.0512 + shift + EFFECT[arm] + 0.1 * decay + 2e-4 * noise.standard_normal()
        scores.append(score(train_id, step, "raw", "val_loss", loss, loss_card()))
        scores.append(score(train_id, step, "ema", "val_loss", loss + 0.01 * decay, loss_card()))
        scores.append(score(train_id, step, "raw", "val_loss_bin5", 0.011 + 0.05 * decay, loss_card()))
        if step % 1000 == 0:
            fd = 60 + 200 * decay + 4000 * EFFECT[arm] + 3 * noise.standard_normal()
            scores.append(score(train_id, step, "ema", FD, fd, sample_card(**card)))
            kd = fd / 50
            scores.append(score(train_id, step, "ema", "kd_effnet_lite0_1k", kd, sample_card(floor=0.113, **card)))
            scores.append(score(train_id, step, "ema", "precision_1k_k3", 0.61, sample_card(floor=0.7, **card)))
            scores.append(score(train_id, step, "ema", "recall_1k_k3", 0.22, sample_card(floor=0.65, **card)))
    return scores


def record(arm: str, seed: int, *, status: str = "ok", error: str | None = None, **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "train_id": identity(arm, seed),
        "status": status,
        "error": error,
        "variant": "uvit-micro-deep/4" + (f"+skip={arm}" if arm != "concat" else ""),
        "preset": "uvit-micro-deep/4",
        "options": {"skip": arm} if arm != "concat" else {},
        "dataset": {"name": "photos", "fingerprint": "ef" * 32},
        "budget": "cpu",
        "training": {"steps": 3000, "batch_size": 32},
        "seed": seed,
        "params": 700_000 + SKIP_PARAMS[arm],
        "macs": 45_000_000 + 60 * SKIP_PARAMS[arm],
        "losses": [{"step": 1000, "loss": 0.07}],
        "scores": cell_scores(arm, seed, range(250, 3001, 250)),
        "provenance": {"commit": "0123456789abcdef", "dirty": False, "utc": "2026-01-02T03:04:05+00:00",
                       "versions": {"torch": "2.14.1"}, "cpu": "a processor"},
    }  # fmt: skip
    return Record(**fields | changes)


def manifest(arms: Iterable[str] = FORMULAS, seeds: Iterable[int] = (0, 1), **changes: Any) -> dict[str, Any]:
    seeds = list(seeds)
    return {
        "schema": SCHEMA,
        "name": "skip",
        "question": "How should a long skip be fused into the main branch?",
        "baseline": "concat",
        "reference": "Fig2a",
        "endpoint": {"metric": "val_loss", "weights": "raw", "step": "final", "margin": None},
        "budget": "cpu",
        "dataset": "photos",
        "preset": "uvit-micro-deep/4",
        "runtime": {"device": "cpu"},
        "arms": [
            {
                "arm": arm,
                "variant": "uvit-micro-deep/4" + (f"+skip={arm}" if arm != "concat" else ""),
                "formula": FORMULAS.get(arm, ""),
                "cells": [{"seed": seed, "train_id": identity(arm, seed)} for seed in seeds],
            }
            for arm in arms
        ],
    } | changes


def write_grid(store: Store, name: str, content: dict[str, Any]) -> Path:
    """``content`` as the manifest of the grid ``name``."""
    return store.write_grid(name, Manifest.from_dict(content, where=f"grid {name}"))


def many_records(root: Path, *, seeds: int = 20) -> Store:
    """The grid ``skip`` with five records a seed (100), each of the size that a long run leaves: some 80 KB."""
    store = Store(root)
    write_grid(store, "skip", manifest(seeds=range(seeds)))
    for arm in FORMULAS:
        for seed in range(seeds):
            store.write(record(arm, seed, scores=cell_scores(arm, seed, range(50, 3001, 50))))
    return store


def skip_run(root: Path, *, seeds: Iterable[int] = (0, 1), arms: Iterable[str] = FORMULAS) -> Store:
    """A finished grid ``skip`` under ``root``, of a budget that is calibrated."""
    store, seeds, arms = Store(root), list(seeds), list(arms)
    store.write_calibration(calibration())
    write_grid(store, "skip", manifest(arms, seeds))
    for arm in arms:
        for seed in seeds:
            store.write(record(arm, seed))
    return store


def profile(arm: str, **changes: Any) -> ProfileRecord:
    """A profile of an arm of `record`: the same network, so that reports join the two."""
    cell = record(arm, 0, scores=[])
    fields: dict[str, Any] = {
        "profile_id": identity("profile", arm, repr(sorted(changes.items()))),
        "status": "ok",
        "variant": cell.variant,
        "preset": cell.preset,
        "options": cell.options,
        "network": {"depth": 13, "slots": cell.options},
        "mode": "train",
        "device": "cuda",
        "device_name": "NVIDIA H100 80GB HBM3",
        "dtype": "bfloat16",
        "batch_size": 32,
        "setting": {"attention": "fused", "compile": False, "world_size": 1, "sampler": "", "nfe": 0},
        "counts": {
            "params": cell.params,
            "macs": cell.macs,
            "macs_by_part": {"mlp": cell.macs},
            "params_by_part": {"mlp": cell.params},
            "train_macs": {"macs": 3 * cell.macs, "checkpointed": 4 * cell.macs},
            "differs": {},
        },
        "rounds": [0.02, 0.02, 0.03],
        "timing": {"median_s": 0.02, "p10_s": 0.02, "p90_s": 0.028, "cv": 0.25, "imgs_per_s": 1600.0},
        "memory": {"peak_allocated": 3 * 2**30, "peak_reserved": 4 * 2**30, "state": 2**20, "activations": 2**30},
        "efficiency": {"mfu": 0.41, "mfu_measured_peak": None, "energy_j_per_1000_imgs": 87.0},
    }
    return ProfileRecord(**fields | changes)


def cka(arm: str, **changes: Any) -> CkaRecord:
    """A representation analysis of the seed 0 of an arm of `record`: five blocks, alike the nearer they are."""
    cell = record(arm, 0, scores=[])
    slope = 0.1 if arm == "concat" else 0.02
    found = [[1 - slope * abs(i - j) for j in range(5)] for i in range(5)]
    fields: dict[str, Any] = {
        "cka_id": identity("cka", arm, repr(sorted(changes.items()))),
        "train_id": cell.train_id,
        "variant": cell.variant,
        "preset": cell.preset,
        "options": cell.options,
        "seed": 0,
        "step": 3000,
        "weights": "ema",
        "dataset": cell.dataset,
        "split": "photos:held_out",
        "images": 1024,
        "batch_size": 64,
        "noise_seed": 0,
        "process": "vp",
        "times": [0.1, 0.5],
        "maps": [found, found],
        "errors": [0.004, 0.011],
    }
    return CkaRecord(**fields | changes)


def neighbours(arm: str, **changes: Any) -> NeighboursRecord:
    """A search for copies of the seed 0 of an arm of `record`: ten samples, none nearer than held-out images are."""
    cell = record(arm, 0, scores=[])
    fields: dict[str, Any] = {
        "neighbours_id": identity("neighbours", arm, repr(sorted(changes.items()))),
        "train_id": cell.train_id,
        "variant": cell.variant,
        "preset": cell.preset,
        "options": cell.options,
        "seed": 0,
        "step": 3000,
        "weights": "ema",
        "dataset": cell.dataset,
        "split": "photos:train",
        "training_images": 50_000,
        "compared": 50_000,
        "mirrored": False,
        "extractor": "effnet-lite0",
        "weights_sha256": "ab" * 32,
        "sampler": "dpm_solver",
        "nfe": 50,
        "guidance": 0.0,
        "sample_seed": 0,
        "distances": [[12.0 + i, 14.0 + i] for i in range(10)],
        "rows": [[i, i + 100] for i in range(10)],
        "held_out": [10.0 + i for i in range(10)],
        "shown": list(range(8)),
        "held_out_shown": list(range(8)),
    }
    return NeighboursRecord(**fields | changes)


def linear_filter(**changes: Any) -> LinearFilterRecord:
    """A linear filter of `photos` under vp, of four noise levels."""
    fields: dict[str, Any] = {
        "linear_filter_id": identity("linear_filter", repr(sorted(changes.items()))),
        "dataset": {"name": "photos", "fingerprint": "5a" * 32},
        "training_fingerprint": "1b" * 32,
        "held_out_fingerprint": "2c" * 32,
        "training_images": 50_000,
        "held_out_images": 5_000,
        "process": "vp",
        "builder": 1,
        "basis": "2-D DCT, colours by PCA at each frequency",
        "edges": [0.1, 0.3, 0.5, 0.7, 0.9],
        "log_snr": [4.0, 1.0, -2.0, -6.0],
        "loss": [0.08, 0.04, 0.02, 0.01],
        "input_loss": [0.8, 0.2, 0.04, 0.02],
        "wall_s": 6.5,
    }
    return LinearFilterRecord(**fields | changes)


def calibration(**changes: Any) -> CalibrationRecord:
    """A calibration of the cells of `record`, of level B: only the noisiest bin is not below the filter's."""
    cell = record("concat", 0, scores=[])
    bins = [Bound(mean=mean, upper=mean + 0.02) for mean in (-0.3, -0.1, -0.05, -0.1, 0.4)]
    fields: dict[str, Any] = {
        "calibration_id": identity("calibration", repr(sorted(changes.items()))),
        "budget": cell.budget,
        "preset": cell.preset,
        "variant": cell.variant,
        "dataset": cell.dataset,
        "training": cell.training,
        "endpoint": {"metric": "speed", "weights": "raw", "step": "final", "margin": 1.1},
        "grid": "skip",
        "seeds": [1000, 1001, 1002, 1003, 1004],
        "linear_filter_id": identity("linear_filter"),
        "level": "B",
        "log_skill": [bin.mean for bin in bins for _ in range(4)],
        "bins": bins,
        "geometric": Bound(mean=-0.03, upper=-0.01),
        "arithmetic": Bound(mean=-0.2, upper=-0.15),
        "speed_sd": 0.03,
        "skill_sd": 0.02,
        "repeat_sd": 0.01,
        "speed_margin": 1.1,
        "skill_margin": 0.04,
        "seeds_for_power": {"different by 1.10": 5, "equivalent within 1.10": 6},
        "cells": [identity(arm, seed) for arm in FORMULAS for seed in range(1000, 1005)],
    }
    return CalibrationRecord(**fields | changes)


def speed_losses(ratio: float, *, steps: int = 3000, every: int = 50) -> list[dict[str, float]]:
    """Training losses whose mean log falls on a line in log k, so that R of two of them is exactly that of ``ratio``.

    M(k) = -0.5 log(k / (4 ratio)) at every point; ``ratio`` is up to 12.
    """
    sums = [0.0, *(-0.5 * k * math.log(k / (4 * ratio)) for k in range(every, steps + 1, every))]
    means = [(after - before) / every for before, after in itertools.pairwise(sums)]
    return [{"step": every * (i + 1), "loss": math.exp(mean)} for i, mean in enumerate(means)]


def speed_record(arm: str, seed: int, ratio: float, *, skill: float | None = None, **changes: Any) -> Record:
    """A cell that needs ``ratio`` times the usual steps, with EMA losses exp(``skill``) times the linear filter's."""
    train_id = identity(arm, seed)
    fields: dict[str, Any] = {"losses": speed_losses(ratio), "scores": [], "train_id": train_id}
    if skill is not None:
        levels = [loss * math.exp(skill) for loss in linear_filter().loss]
        card = loss_card() | {"level_count": len(levels), "levels": levels}
        fields["scores"] = [score(train_id, 3000, "ema", "val_loss", sum(levels) / len(levels), card)]
    return record(arm.rpartition("/")[2], seed, **fields | changes)


def speed_manifest(arms: Iterable[str], seeds: Iterable[int], **changes: Any) -> dict[str, Any]:
    """The manifest of a grid that is decided by speed, within a factor of 1.10; ``block/arm`` names make blocks."""
    seeds = list(seeds)
    content = manifest(arms, seeds) | {"seeds": seeds, "looks": [len(seeds)], "sections": {"training": {}}}
    content["endpoint"] = {"metric": "speed", "weights": "raw", "step": "final", "margin": 1.1}
    for arm in content["arms"]:
        block, _, bare = arm["arm"].rpartition("/")
        if block:
            content["within"] = "prediction"
            changed = "".join(f"+{c}" for c in ([f"skip={bare}"] if bare != "concat" else []) + [f"prediction={block}"])
            own = [] if block == "eps" else [f"training.prediction={block}"]
            arm |= {"block": block, "settings": own, "formula": "", "variant": f"uvit-micro-deep/4{changed}"}
    return content | changes


def speed_run(
    root: Path,
    ratios: Mapping[str, Sequence[float | None]],
    *,
    skill: Mapping[str, Sequence[float]] | None = None,
    seeds: Iterable[int] | None = None,
    training: Mapping[str, Mapping[str, Any]] | None = None,
    status: Mapping[tuple[str, int], str] | None = None,
    calibrated: bool | Mapping[str, Any] = True,
    **changes: Any,
) -> Store:
    """A grid ``skip`` decided by speed: R by arm and seed, None for a cell still to come; seeds from 100.

    ``skill`` is log skill by arm and seed; ``training`` changes an arm's; ``calibrated`` may change the calibration.
    """
    store, planned = Store(root), list(seeds or range(100, 100 + max(map(len, ratios.values()))))
    write_grid(store, "skip", speed_manifest(ratios, planned, **changes))
    store.write_linear_filter(linear_filter(held_out_fingerprint="ef" * 32))
    for arm, by_seed in ratios.items():
        own = {"steps": 3000, "batch_size": 32} | dict((training or {}).get(arm, {}))
        for i, (seed, ratio) in enumerate(zip(planned, by_seed, strict=False)):
            if ratio is not None:
                x, how = skill[arm][i] if skill and arm in skill else None, (status or {}).get((arm, seed), "ok")
                store.write(speed_record(arm, seed, ratio, skill=x, training=own, status=how))
        if calibrated and arm.rpartition("/")[2] == "concat":
            told = dict(calibrated) if isinstance(calibrated, Mapping) else {}
            store.write_calibration(calibration(training=own, **told))
    return store
