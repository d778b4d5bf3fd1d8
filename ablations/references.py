"""What verdicts on early training stand on beside the cells: the dataset's linear filter, and the budget's calibration.

Reports read an output folder alone, so both are put there before cells train.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ablations.planning import Plan
from bench.diffusion import PROCESSES
from bench.linear_filter import linear_filter
from bench.linear_filter.losses import linear_filter_id
from bench.linear_filter.wiener import COLOURS
from results.calibration import best_match, bundled
from results.linear_filter import LinearFilterRecord
from results.store import Store

if TYPE_CHECKING:
    from bench.data import Dataset

SPEED = "speed"  # the endpoint that needs them
_COLOURS = COLOURS["by frequency"]


def write_references(plan: Plan, root: Path) -> None:
    """Put linear filter and calibration under ``root`` where the endpoint needs them and they are not there.

    Raises ValueError for a dataset that holds out nothing. A calibration is copied where one that comes with the
    package matches.
    """
    if plan.endpoint.metric == SPEED:
        _write_linear_filters(plan, Store(root))
        _write_calibrations(plan, Store(root))


def _write_linear_filters(plan: Plan, store: Store) -> None:
    for process in sorted({prepared.cell.training.process for prepared in plan.cells}):
        kept_linear_filter(plan.cells[0].dataset, process, store)


def kept_linear_filter(dataset: Dataset, process: str, store: Store) -> LinearFilterRecord:
    """The dataset's filter under ``process``: that of the folder, else made and kept there; raises as it does."""
    own = linear_filter_id(dataset, PROCESSES.get(process), _COLOURS)
    for known in store.linear_filters()[0]:
        if known.linear_filter_id == own:
            return known
    made = linear_filter(dataset, PROCESSES.get(process))
    store.write_linear_filter(made)
    return made


def _write_calibrations(plan: Plan, store: Store) -> None:
    """One for each block: its baseline is trained in its own way."""
    known, _ = store.calibrations()
    packaged = bundled()
    baselines = {train_id for arm in plan.arms for _, train_id in plan.members[plan.grid.baseline_of(arm)]}
    for prepared in plan.cells:
        if prepared.train_id not in baselines:
            continue
        training, fingerprint = prepared.cell.training.asdict(), prepared.dataset.fingerprint
        if best_match(known, preset=plan.preset, training=training, fingerprint=fingerprint) is None:
            found = best_match(packaged, preset=plan.preset, training=training, fingerprint=fingerprint)
            if found is not None:
                store.write_calibration(found)
                known.append(found)
