"""The cells of a calibration with planted truth: skill by bin, log R by arm and seed, repeats, longer trainings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports.analysis.calibration import CHALLENGERS, POINTS, CalibrationCells
from results import Record
from results.linear_filter import LinearFilterRecord
from results.manifest import Manifest, ManifestArm, ManifestCell
from tests.reports.simulated import identity, linear_filter, loss_card, manifest, record, score

STEPS, SEEDS = 3000, (1000, 1001, 1002, 1003, 1004)
BINS = (0.1, 0.02, 0.005, 0.001, 0.0002)  # the filter's loss


def filter_of_twenty(**changes: Any) -> LinearFilterRecord:
    """A filter of twenty levels; within a bin all have one loss."""
    fields: dict[str, Any] = {
        "edges": [0.001 + 0.998 * i / 20 for i in range(21)],
        "log_snr": [4.0 - i / 2 for i in range(20)],
        "loss": [loss for loss in BINS for _ in range(4)],
        "input_loss": [2 * loss for loss in BINS for _ in range(4)],
        "held_out_fingerprint": loss_card()["fingerprint"],
    }
    return linear_filter(**fields | changes)


def losses(log_ratio: float, steps: int = STEPS) -> list[dict[str, float]]:
    """A training loss that needs exp(``log_ratio``) times the steps of the one at 0."""
    return [
        {"step": step, "loss": 0.9 * math.exp(-0.8 * math.log1p(step * math.exp(-log_ratio) / 50))}
        for step in range(steps // 200, steps + 1, steps // 200)
    ]


def cell(
    arm: str,
    seed: int,
    skill: Sequence[float],
    *,
    log_ratio: float = 0.0,
    steps: int = STEPS,
    points: Mapping[int, float] | None = None,
    **changes: Any,
) -> Record:
    """A finished cell whose EMA losses are exp(``skill``) times the filter's in each bin; ``points`` adds to it."""
    known, train_id = filter_of_twenty(), identity(arm, seed, steps)
    scores = []
    for step, more in (points or {steps: 0.0}).items():
        own = [loss * math.exp(skill[level // 4] + more) for level, loss in enumerate(known.loss)]
        scores.append(score(train_id, step, "ema", "val_loss", sum(own) / 20, loss_card() | {"levels": own}))
    return record(arm, seed, train_id=train_id, scores=scores, losses=losses(log_ratio, steps),
                  training={"steps": steps, "batch_size": 32}, **changes)  # fmt: skip


def arm_of(name: str, records: Mapping[int, Record], **more: Any) -> ManifestArm:
    cells = tuple(ManifestCell(seed=seed, train_id=r.train_id) for seed, r in records.items())
    return ManifestArm(arm=name, variant=f"uvit-micro-deep/4+{name}", cells=cells, more=more)


def calibration_cells(
    skill: Mapping[int, Sequence[float]],
    log_ratios: Mapping[str, Mapping[int, float]] | None = None,
    *,
    arm_skill: Mapping[str, Mapping[int, float]] | None = None,
    repeats: Sequence[tuple[str, int, float]] = (),
    slope: float | None = None,
    challengers: int = 4,
) -> CalibrationCells:
    """``skill`` of the baseline by seed and bin; ``log_ratios`` and ``arm_skill`` (of all bins, against the baseline)
    of challengers; ``repeats``: (arm, seed, log R against that cell); ``slope``: of the baseline's skill in log steps.
    """
    arms = {"concat": {seed: cell("concat", seed, own) for seed, own in skill.items()}}
    for arm, logs in (log_ratios or {}).items():
        more = (arm_skill or {}).get(arm, {})
        arms[arm] = {
            s: cell(arm, s, [x + more.get(s, 0.0) for x in skill[s]], log_ratio=log) for s, log in logs.items()
        }
    planned = [arm_of(name, records) for name, records in arms.items()]
    known = {r.train_id: r for records in arms.values() for r in records.values()}
    again = [
        dataclasses.replace(
            arms[arm][seed], repeat=1, losses=losses((log_ratios or {}).get(arm, {}).get(seed, 0.0) + log)
        )
        for arm, seed, log in repeats
    ]
    if slope is not None:
        at = {step: slope * math.log(step / STEPS) for step in (2400, 3000, 3750)}
        longer = {s: cell("concat", s, own, steps=3750, points=at) for s, own in list(skill.items())[:3]}
        planned.append(arm_of("concat for 3,750 steps", longer, **{POINTS: list(at)}))
        known |= {r.train_id: r for r in longer.values()}
    content = manifest(["concat"], list(skill)) | {"endpoint": {"metric": "speed", "weights": "raw"}}
    plan = dataclasses.replace(Manifest.from_dict(content), arms=tuple(planned), more={CHALLENGERS: challengers})
    return CalibrationCells(plan=plan, records=known, repeats=again, linear_filter=filter_of_twenty())
