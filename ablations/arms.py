"""Arms: the variants that a grid compares, and what they can be sized by."""

from __future__ import annotations

from dataclasses import dataclass

MEASURES = ("params", "macs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One variant of a grid, under the name that tables show."""

    name: str
    variant: str
    formula: str = ""
    match: str = ""  # "params" or "macs": sized to the baseline (`ablations.matching`)
    residual: float | None = None  # (its size - the baseline's) / the baseline's, once it is sized
    block: str = ""  # the option of the grid's ``[within]``

    @property
    def in_block(self) -> str:
        """Its name among the arms of its block, or of a grid without blocks."""
        return self.name.removeprefix(f"{self.block}/") if self.block else self.name


def as_measure(text: str, *, where: str) -> str:
    """``text`` as one of `MEASURES`, or empty; ValueError naming ``where`` otherwise."""
    if text and text not in MEASURES:
        raise ValueError(f"{where}: expected one of {', '.join(MEASURES)}; got {text!r}")
    return text
