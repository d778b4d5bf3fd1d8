"""Engines: where cells run. All of them run the same ``bench.cell.run.run_cell`` and write the same store.

One file is one engine, found by scanning this folder: a class made with ``workers`` and ``devices`` that has ``run``
(`ablations.engines.job.Engine`) and registers itself in ``ENGINES``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from variants.registry import Registry

if TYPE_CHECKING:
    from ablations.engines.job import Engine


def _scan() -> None:
    for module in sorted(iter_modules(__path__), key=lambda each: each.name):
        import_module(f"{__name__}.{module.name}")


ENGINES: Registry[Callable[..., Engine]] = Registry("engine", discover=(_scan,))
