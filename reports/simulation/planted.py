"""Records of planted scores, as a report would read them, so that what is simulated is what judges real grids."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from functools import cache

import numpy as np
import numpy.typing as npt

from reports.views.grid import ArmView, CellView, GridView
from results import Record, Score
from results.manifest import Manifest, ManifestArm, ManifestCell, ManifestEndpoint

METRIC, STEP = "fd_planted_1k", 1000  # an endpoint that asks for no calibration


def grid(scores: npt.NDArray[np.float64], *, margin: float | None, looks: tuple[int, ...] = ()) -> GridView:
    """A grid with ``scores`` (1 + arms, seeds), the baseline first and NaN where there is none; by default one look."""
    arms = tuple(_arm(arm, row) for arm, row in enumerate(scores))
    made = manifest(*scores.shape, margin=margin, looks=looks)
    return GridView(name="planted", title="planted", manifest=made, arms=arms)


@cache
def manifest(arms: int, seeds: int, *, margin: float | None, looks: tuple[int, ...] = ()) -> Manifest:
    """What ``grids/planted.json`` would hold; ``arms`` with the baseline."""
    return Manifest(
        name="planted",
        question="Which arm has an effect?",
        baseline="arm0",
        reference="",
        endpoint=ManifestEndpoint(metric=METRIC, weights="raw", step=STEP, margin=margin),
        budget="planted",
        dataset="none",
        seeds=tuple(range(seeds)),
        looks=looks,
        arms=tuple(_manifest_arm(arm, seeds) for arm in range(arms)),
    )


def _manifest_arm(arm: int, seeds: int) -> ManifestArm:
    cells = tuple(ManifestCell(seed=seed, train_id=_cell(arm, seed).train_id) for seed in range(seeds))
    return ManifestArm(arm=f"arm{arm}", variant=f"arm{arm}", cells=cells)


def _arm(arm: int, row: npt.NDArray[np.float64]) -> ArmView:
    cells = []
    for seed, value in enumerate(row.tolist()):
        empty = _cell(arm, seed)
        score = dataclasses.replace(empty.scores[0], value=None if math.isnan(value) else value)
        record = dataclasses.replace(empty, scores=[score])
        cells.append(CellView(seed=seed, train_id=record.train_id, record=record))
    return ArmView(name=f"arm{arm}", variant=f"arm{arm}", formula="", cells=tuple(cells), is_baseline=arm == 0)


@cache
def _cell(arm: int, seed: int) -> Record:
    """A finished cell without its score's value."""
    identity = hashlib.sha256(f"planted {arm} {seed}".encode()).hexdigest()[:16]
    score = Score(
        score_id=identity, step=STEP, weights="raw", metric=METRIC, value=None, card={}, train_macs=0, wall_s=0.0
    )
    return Record(
        train_id=identity, status="ok", variant=f"arm{arm}", preset="planted", dataset={"name": "none"},
        budget="planted", training={"steps": STEP}, seed=seed, params=0, macs=0, scores=[score],
    )  # fmt: skip
