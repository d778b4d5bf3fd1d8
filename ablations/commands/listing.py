"""What ``uvit list`` shows: a list of objects with ``name``, without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ablations.commands.plugins import with_plugins
from ablations.commands.requests import ListRequest

Row = dict[str, Any]


@with_plugins
def describe(request: ListRequest) -> list[Row]:
    """The rows of the kind that is asked for. Raises ValueError for a kind that is not listed."""
    from variants.registry import Registry

    kinds: Registry[Callable[[], list[Row]]] = Registry("list")
    for name, make in _KINDS.items():
        kinds.register(name, make)
    return kinds.get(request.kind)()


def _axes() -> list[Row]:
    from variants import AXES

    return [
        {
            "name": axis.name,
            "default": axis.default,
            "kind": axis.kind,
            "about": axis.question,
            "options": [{"name": option.name, "formula": option.formula} for option in axis.options],
        }
        for _, axis in AXES.items()
    ]


def _presets() -> list[Row]:
    from variants import PRESETS

    rows = []
    for name, preset in PRESETS.items():
        sizes = {"depth": preset.depth, "width": preset.embed_dim, "heads": preset.num_heads, "patch": preset.patch}
        about = f"{preset.depth} blocks, {preset.embed_dim} wide, {preset.num_heads} heads ({preset.source})"
        if preset.levels:
            levels = ", ".join(map(str, preset.levels))
            about = f"{preset.depth} residual blocks a level of {levels} channels ({preset.source})"
        rows.append({"name": name, "about": about, "family": preset.family, **sizes})
    return rows


def _grids() -> list[Row]:
    from ablations.grid import grid_names, load_grid

    grids = [load_grid(name) for name in grid_names()]
    return [
        {
            "name": g.name,
            "about": g.question,
            "baseline": g.baseline,
            "reference": g.reference,
            "axes": list(g.axes),
            "within": g.within.axis if g.within else "",
        }
        for g in grids
    ]


def _budgets() -> list[Row]:
    from ablations.budgets import load_budgets

    return [
        {
            "name": name,
            "about": b.about,
            "preset": b.preset,
            "training": b.training.asdict(),
            "evaluation": b.evaluation.asdict(),
            "seeds": b.seeds,
            "first_seed": b.first_seed,
        }
        for name, b in load_budgets().items()
    ]


def _datasets() -> list[Row]:
    from bench.data import list_datasets

    return [{"name": row["name"], "about": row["description"]} for row in list_datasets()]


def _extractors() -> list[Row]:
    from bench.fid import EXTRACTORS

    return [{"name": name, "about": source.description, "dim": source.dim} for name, source in EXTRACTORS.items()]


def _processes() -> list[Row]:
    from bench.diffusion import PROCESSES

    return [{"name": name, "about": process.about} for name, process in PROCESSES.items()]


def _samplers() -> list[Row]:
    from bench.diffusion.samplers import SAMPLERS

    return [
        {
            "name": name,
            "about": f"{entry.source}; {entry.default_nfe} evaluations unless told",
            "nfe": entry.default_nfe,
            "stochastic": entry.stochastic,
        }
        for name, entry in SAMPLERS.items()
    ]


_KINDS: dict[str, Callable[[], list[Row]]] = {
    "axes": _axes,
    "presets": _presets,
    "grids": _grids,
    "budgets": _budgets,
    "datasets": _datasets,
    "extractors": _extractors,
    "samplers": _samplers,
    "processes": _processes,
}
