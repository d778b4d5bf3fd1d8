"""What verdicts on early training stand on beside the cells: the dataset's linear filter, and the budget's calibration.

Reports read an output folder alone, so both are put there before cells train.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ablations.budgets import load_budgets
from ablations.planning import Plan, settings_of
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


def write_references(plan: Plan, root: Path) -> list[str]:
    """Put linear filter and calibration under ``root`` where the endpoint needs them and they are not there.

    A calibration is copied where one that comes with the package matches; a line for the user says where there is none.
    Raises ValueError for a dataset that holds out nothing.
    """
    if plan.endpoint.metric != SPEED:
        return []
    _write_linear_filters(plan, Store(root))
    missing = _write_calibrations(plan, Store(root))
    return [
        f"no calibration fits {baseline} on {plan.dataset}: intervals, but no verdict before `{command}`"
        for baseline, command in missing.items()
    ]


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


def _write_calibrations(plan: Plan, store: Store) -> dict[str, str]:
    """One for each block, whose baseline is trained in its own way; the baselines that none fits, and what mends it."""
    known, _ = store.calibrations()
    packaged, missing = bundled(), dict[str, str]()
    usual = load_budgets().get(plan.budget.name).training  # without what ``--set`` changes
    for baseline in dict.fromkeys(plan.grid.baseline_of(arm) for arm in plan.arms):
        own = {train_id for _, train_id in plan.members[baseline]}
        prepared = next(prepared for prepared in plan.cells if prepared.train_id in own)
        training, fingerprint = prepared.cell.training.asdict(), prepared.dataset.fingerprint
        if best_match(known, preset=plan.preset, training=training, fingerprint=fingerprint) is not None:
            continue
        found = best_match(packaged, preset=plan.preset, training=training, fingerprint=fingerprint)
        if found is None:
            settings = "".join(f" --set {each}" for each in settings_of(prepared.cell.training, usual))
            missing[baseline] = (
                f"uvit calibrate {plan.budget.name} --preset {plan.preset} --dataset {plan.dataset}{settings}"
            )
        else:
            store.write_calibration(found)
            known.append(found)
    return missing
