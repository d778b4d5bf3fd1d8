"""Where a cell runs: its output folder, its runtime, and where what it reads lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.load import load_cached_dataset

if TYPE_CHECKING:
    from bench.cell.identity import Cell
    from bench.data import Dataset
    from bench.machine.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place for all cells of a grid; None stands for the usual folder of datasets and of weights."""

    root: Path
    runtime: Runtime
    data_dir: Path | None = None
    extractor_weights: Path | None = None

    def dataset_of(self, cell: Cell) -> Dataset:
        """The dataset that ``cell`` names, decoded; raises ValueError as `bench.data.load_dataset` does."""
        return load_cached_dataset(cell.dataset, self.data_dir, cell.training.image_size or None)
