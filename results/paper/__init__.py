"""The paper's own figures (arXiv 2209.12152), each with its source; digitised ones are off by about ±0.1 FID.

They stand beside ours for order and sign: training, sample count and extractor differ, so values do not compare.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_FILE = "paper_reference.csv"

# panel of Figure 2 -> (axis, default option, {the table's key: our option})
_PANELS: dict[str, tuple[str, str, dict[str, str]]] = {
    "Fig2a": (
        "skip",
        "concat",
        {
            "concat_linear": "concat",
            "linear_add": "linear_sum",
            "add_linear_hs": "linear_skip",
            "add": "add",
            "none": "none",
        },
    ),
    "Fig2b": ("time", "token", {"token": "token", "adaln": "adaln"}),
    "Fig2c": ("conv_head", "after", {"after": "after", "before": "before", "none": "none"}),
    "Fig2d": ("patch_embed", "linear", {"linear": "linear", "conv_stack": "conv_stack"}),
    "Fig2e": ("pos_embed", "learned_1d", {"learned1d": "learned_1d", "sincos2d": "sincos_2d"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel of the paper's Figure 2: its curves, and their values at the last step."""

    name: str  # "Fig2a"
    axis: str
    default: str
    metric: str  # a name of results.metrics
    steps: int
    values: dict[str, float]  # by our option
    curves: dict[str, tuple[tuple[int, float], ...]]  # (step, value) by our option; points off the axis are absent
    source: str


def reference() -> pd.DataFrame:
    """All 643 rows: table, dataset, model, variant_key, metric, value (text), step_or_setting, source, verified."""
    import pandas as pd

    return pd.DataFrame(rows())


@cache
def rows() -> tuple[dict[str, str], ...]:
    """The same rows as plain dictionaries, without pandas."""
    with resources.files("results.paper").joinpath(_FILE).open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def panels(named: str) -> list[Panel]:
    """The panels that a grid's ``reference`` names: "Fig2a", "Fig. 2(a)", "Fig2" (all five), "Fig2+Fig3"."""
    plain = re.sub(r"[^a-z0-9+,;]", "", named.lower().replace("figure", "fig"))
    wanted = set(re.split(r"[+,;]", plain))
    return [_panel(name) for name in _PANELS if name.lower() in wanted or "fig2" in wanted]


@cache
def _panel(name: str) -> Panel:
    axis, default, options = _PANELS[name]
    curves: dict[str, list[tuple[int, float]]] = {}
    source = ""
    for row in rows():
        step = re.fullmatch(r"(\d+)K iters", row["step_or_setting"])
        if row["table"] == name and step:
            key = row["variant_key"].removesuffix(" (default)").partition("=")[2]
            curves.setdefault(options[key], []).append((1000 * int(step[1]), float(row["value"])))
            source = row["source"]
    assert curves, f"no row of {name} in {_FILE}"
    return Panel(
        name=name,
        axis=axis,
        default=default,
        metric="fid_10k",
        steps=500_000,
        values={option: dict(points)[500_000] for option, points in curves.items()},
        curves={option: tuple(sorted(points)) for option, points in curves.items()},
        source=source,
    )
