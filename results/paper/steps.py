"""The paper's Table 3: FID-50K on ImageNet 256 (latents) against the steps of DPM-Solver."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from results.paper import rows

TABLE = "T3"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsRow:
    """One network of the table: its scores by number of network evaluations."""

    model: str  # "U-ViT-H/2, 200K iterations"
    sampler: str  # a name of `uvit list samplers`
    values: dict[int, float]


@cache
def table3() -> tuple[StepsRow, ...]:
    """The table's rows in its order; FID-50K, lower is better."""
    values: dict[str, dict[int, float]] = {}
    for row in rows():
        steps = re.fullmatch(r"DPM-Solver (\d+) steps", row["step_or_setting"])
        if row["table"] == TABLE and steps:
            model = f"{row['model']}, {row['variant_key'].removeprefix('train_iters=')} iterations"
            values.setdefault(model, {})[int(steps[1])] = float(row["value"])
    assert values, f"no row of {TABLE}"
    return tuple(StepsRow(model=model, sampler="dpm_solver", values=found) for model, found in values.items())
