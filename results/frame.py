"""``results.load``: records of one or several output folders as a tidy table, a row a score."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.manifest import Manifest
from results.record import Record, Score
from results.store import Store

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("uvit")

Dirs = str | PathLike[str] | Sequence[str | PathLike[str]]

COLUMNS = (
    *("grid", "train_id", "variant", "arm", "preset", "dataset", "budget", "seed", "status"),
    *("step", "weights", "metric", "value", "params", "macs", "wall_s", "extractor", "count"),
)


def load(dirs: Dirs) -> pd.DataFrame:
    """A row a score; a cell without scores (a failed one) is one row without a metric.

    A cell that several grids share has rows in each; a record of no grid has grid None and its variant as arm. Damaged
    files are named in a warning and in ``attrs["problems"]`` and left out. Raises ValueError when a folder is missing
    or holds no records.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for root in output_folders(dirs, parts=("records", "grids")):
        store = Store(root)
        records, damaged = store.records()
        grids, damaged_grids = store.read_grids()
        problems += [f"{root}: {problem}" for problem in damaged + damaged_grids]
        rows += [row for record in records for row in _rows(record, grids)]
    for problem in problems:
        log.warning("left out: %s", problem)
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).drop_duplicates(ignore_index=True)
    frame = frame.astype({"step": "Int64", "count": "Int64", "value": "float64", "wall_s": "float64"})
    frame.attrs["problems"] = problems
    return frame


PARTS = ("records", "grids", "profiles", "cka", "neighbours", "linear_filters", "calibrations")


def output_folders(dirs: Dirs, *, parts: Sequence[str] = PARTS) -> list[Path]:
    """The folders named, each with a file in one of its ``parts``; else ValueError says how to get them."""
    folders = [Path(dirs)] if isinstance(dirs, str | PathLike) else [Path(item) for item in dirs]
    if not folders:
        raise ValueError("expected at least one output folder, got none: name the --out folder of a `uvit run`")
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"{folder}: expected an output folder of `uvit run`, got no folder there")
        if not any(any((folder / part).glob("*.json")) for part in parts):
            raise ValueError(
                f"{folder}: expected records in {folder / 'records'}, got none: was it `--out` of a `uvit run`?"
            )
    return list(dict.fromkeys(folders))


def _rows(record: Record, grids: dict[str, Manifest]) -> Iterator[dict[str, Any]]:
    places: list[tuple[str | None, str]] = [
        (name, arm.arm)
        for name, grid in grids.items()
        for arm in grid.arms
        if any(cell.train_id == record.train_id for cell in arm.cells)
    ]
    for grid, arm in places or [(None, record.variant)]:
        cell = {
            "grid": grid,
            "train_id": record.train_id,
            "variant": record.variant,
            "arm": arm,
            "preset": record.preset,
            "dataset": str(record.dataset.get("name", "")),
            "budget": record.budget,
            "seed": record.seed,
            "status": record.status,
            "params": record.params,
            "macs": record.macs,
        }
        for score in record.scores:
            yield cell | _score(score)
        if not record.scores:
            yield cell


def _score(score: Score) -> dict[str, Any]:
    count = score.card.get("count")
    return {
        "step": score.step,
        "weights": score.weights,
        "metric": score.metric,
        "value": score.value,
        "wall_s": score.wall_s,
        "extractor": score.card.get("extractor"),
        "count": count if isinstance(count, int) else None,
    }
