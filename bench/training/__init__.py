"""Training: one step, the data of a step, EMA, validation loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.training.benchmark_step import make_step

__all__ = ["make_step"]


def __getattr__(name: str) -> Any:
    if name == "make_step":
        from bench.training.benchmark_step import make_step

        return make_step
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
