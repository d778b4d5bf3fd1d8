"""Axes whose options are integers: a few named ones, and any other that makes sense."""

from __future__ import annotations

from collections.abc import Callable

from variants.axis import Axis, Option
from variants.config import ModelConfig


def size_axis(
    name: str,
    *,
    question: str,
    values: tuple[int, ...],
    formula: str,
    source: str,
    largest: int,
    set_size: Callable[[ModelConfig, int], ModelConfig],
    families: tuple[str, ...] = (),
    refines: tuple[str, ...] = (),
) -> Axis:
    """The axis ``name`` whose first value is the default; ``formula`` has a place ``{}`` for the number."""

    def option(size: int) -> Option:
        text = formula.format(size)
        return Option(name=str(size), formula=text, source=source, transform=lambda config: set_size(config, size))

    def make(text: str) -> Option:
        size = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if not 1 <= size <= largest:
            raise ValueError(f"{name}={text}: expected a whole number from 1 to {largest}, for example {values[0]}")
        return option(size)

    options = tuple(option(size) for size in values)
    return Axis(
        name=name,
        question=question,
        default=str(values[0]),
        options=options,
        make=make,
        families=families,
        refines=refines,
    )
