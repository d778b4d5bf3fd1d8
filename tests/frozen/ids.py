"""The ids of every bundled grid under every budget, and of its scores, on a dataset of fixed fingerprint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np

from ablations.budgets import load_budgets
from ablations.commands.plan import make_plan
from ablations.commands.requests import GridRequest
from ablations.grid import grid_names
from bench.cell.identity import digest
from bench.cell.prepared import wanted_scores
from bench.data import Dataset, Split
from bench.data.contexts import Contexts
from bench.data.source import DATASETS, DatasetRequest, Recipe, Source

NAME, FINGERPRINT = "stand-in", "5a" * 32
PRECISIONS = ("float32", "bfloat16")
TOKENS, FEATURES, CLASSES = 7, 16, 10


def register_stand_in() -> None:
    """Make the dataset `NAME` known: labels, captions and any image size, without a file."""
    if NAME not in DATASETS.names():
        DATASETS.register(NAME, Source(name=NAME, description="for tests", find=_recipe))


def _recipe(request: DatasetRequest) -> Recipe:
    size = request.image_size or 32
    return Recipe(
        name=NAME,
        fingerprint=FINGERPRINT,
        image_size=size,
        channels=3,
        num_classes=CLASSES,
        flip=True,
        decode=lambda: iter(()),
        stored=lambda: _dataset(size),
    )


def _dataset(size: int) -> Dataset:
    splits = [_split(f"{NAME}:{name}", size) for name in ("train", "held_out")]
    return Dataset(
        name=NAME, train=splits[0], held_out=splits[1], num_classes=CLASSES, channels=3, image_size=size, flip=True,
        fingerprint=FINGERPRINT, card={"name": NAME},
    )  # fmt: skip


def _split(name: str, size: int) -> Split:
    rows = np.zeros((4, TOKENS, FEATURES), np.float32)
    contexts = Contexts(rows=rows, ends=np.arange(1, 5), empty=rows[0])
    images = np.zeros((4, 3, size, size), np.uint8)
    return Split(name=name, fingerprint=FINGERPRINT, images=images, labels=np.arange(4), contexts=contexts)


def budget_ids(budget: str) -> dict[str, Any]:
    """``grid -> precision -> arm -> train_id and a hash of its scores' ids and steps``, of seed 0; or the refusal.

    Networks are not counted: that takes minutes for all of them, no id depends on it, and tests of its own hold it.
    """
    register_stand_in()
    with mock.patch("bench.profile.macs.count", lambda config: (0, 0)):
        return {grid: {each: _ids_or_refusal(grid, budget, each) for each in PRECISIONS} for grid in grid_names()}


def _ids_or_refusal(grid: str, budget: str, precision: str) -> dict[str, str] | str:
    try:
        return dict(_ids(grid, budget, precision))
    except ValueError as error:
        return str(error)


def _ids(grid: str, budget: str, precision: str) -> Iterator[tuple[str, str]]:
    plan, _ = make_plan(GridRequest(grid=grid, budget=budget, dataset=NAME, device="cpu", precision=precision))
    cells = {prepared.train_id: prepared for prepared in plan.cells}
    for arm, members in plan.members.items():
        train_id = members[0][1]
        yield arm, f"{train_id} {digest(wanted_scores(cells[train_id]))}"


def sections() -> dict[str, Any]:
    """Both sections of every budget as they are written into records and hashed."""
    return {
        name: {
            "preset": budget.preset,
            "training": budget.training.asdict(),
            "hashed": budget.training.identity(),
            "evaluation": budget.evaluation.asdict(),
            "endpoint": {key: getattr(budget.endpoint, key) for key in ("metric", "weights", "step", "margin")},
        }
        for name, budget in load_budgets().items()
    }
