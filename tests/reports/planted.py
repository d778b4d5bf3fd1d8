"""Grids with planted scores, made in memory: one endpoint score a cell, and what else a test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.analysis.grid_analysis import analyse
from reports.analysis.verdicts import GridComparison
from reports.views.grid import ArmView, CellView, GridView
from results import Record
from results.manifest import Manifest
from tests.reports.simulated import FORMULAS, calibration, identity, loss_card, manifest, record, score

ARMS = tuple(FORMULAS)


def planted(
    scores: Mapping[str, Sequence[float | None]],
    *,
    metric: str = "val_loss",
    margin: float | None = None,
    status: Mapping[tuple[str, int], str] | None = None,
    pending: Sequence[tuple[str, int]] = (),
    card: Mapping[str, Mapping[str, Any]] | None = None,
    calibrated: bool = True,
) -> GridView:
    """A grid with ``scores`` by arm and seed; the first arm is the baseline. ``card`` changes an arm's cards."""
    status, card = status or {}, card or {}
    arms = []
    for arm, values in scores.items():
        cells = []
        for seed, value in enumerate(values):
            found = loss_card() | card.get(arm, {})
            item = score(identity(arm, seed), 3000, "raw", metric, value, found)
            cell = None if (arm, seed) in pending else cell_record(arm, seed, [item], status.get((arm, seed), "ok"))
            cells.append(CellView(seed=seed, train_id=identity(arm, seed), record=cell))
        is_baseline = arm == next(iter(scores))
        arms.append(ArmView(name=arm, variant=arm, formula="", cells=tuple(cells), is_baseline=is_baseline))
    content = manifest(scores, range(len(next(iter(scores.values())))), baseline=next(iter(scores)))
    content["endpoint"] = {"metric": metric, "weights": "raw", "step": 3000, "margin": margin}
    known = {"": calibration()} if calibrated else {}
    return GridView(
        name="skip", title="skip", manifest=Manifest.from_dict(content), arms=tuple(arms), calibrations=known
    )


def compared(grid: GridView) -> GridComparison:
    """The grid's verdicts, as a report has them."""
    return analyse(grid).comparison


def cell_record(arm: str, seed: int, scores: list[Any], status: str = "ok") -> Record:
    known = arm if arm in FORMULAS else "concat"
    return record(known, seed, scores=scores, status=status, train_id=identity(arm, seed))
