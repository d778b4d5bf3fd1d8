"""WHICH comparisons run: grids and their arms under budgets, the plan of a grid, and the engines that run its cells.

``commands/`` holds what each command of ``uvit`` does. Python hands them the requests that the command line makes::

    from ablations import GridRequest, run_grid

    folder, code = run_grid(GridRequest(grid="skip", budget="smoke"))

Importing this package imports neither torch nor the commands.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablations.commands.calibrate import run_calibration
    from ablations.commands.cka import measure_cka
    from ablations.commands.encode import encode
    from ablations.commands.export_weights import export_weights
    from ablations.commands.import_weights import import_weights
    from ablations.commands.neighbours import find_neighbours
    from ablations.commands.plan import make_plan
    from ablations.commands.profile import profile
    from ablations.commands.requests import (
        CalibrateRequest,
        CkaRequest,
        EncodeRequest,
        ExportRequest,
        GridRequest,
        ImportRequest,
        NeighboursRequest,
        ProfileRequest,
        SampleRequest,
        ScoreRequest,
    )
    from ablations.commands.run import run_grid
    from ablations.commands.sample import sample
    from ablations.commands.score import score
    from ablations.grid import load_grid

__all__ = [
    "CalibrateRequest",
    "CkaRequest",
    "EncodeRequest",
    "ExportRequest",
    "GridRequest",
    "ImportRequest",
    "NeighboursRequest",
    "ProfileRequest",
    "SampleRequest",
    "ScoreRequest",
    "encode",
    "export_weights",
    "find_neighbours",
    "import_weights",
    "load_grid",
    "make_plan",
    "measure_cka",
    "profile",
    "run_calibration",
    "run_grid",
    "sample",
    "score",
]

# where a name stands, but for those of requests and those that are their command's own
_ELSEWHERE = {"load_grid": "grid", "make_plan": "commands.plan", "measure_cka": "commands.cka"} | {
    "find_neighbours": "commands.neighbours",
    "run_calibration": "commands.calibrate",
    "run_grid": "commands.run",
}


def __getattr__(name: str) -> Any:
    """What is asked for, from the module that it stands in."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    usual = "commands.requests" if name.endswith("Request") else f"commands.{name}"
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, usual)}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
