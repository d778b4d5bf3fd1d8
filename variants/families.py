"""Families of networks: what builds the module of a config, and which choices it has. A rival backbone is one more.

A family is one file in ``variants/baselines`` that defines ``FAMILY``; a plugin may call ``FAMILIES.register``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from variants.config import ModelConfig, check_sizes
from variants.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    from variants.axis import Axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of network.

    ``build`` makes the module of a config; its ``forward(x, timesteps, y=None, context=None)`` is that of
    `variants.create_model`. ``check`` raises ValueError for sizes that make no network. ``slots`` are the axes' slots
    that it takes (None: all). ``context`` says whether it can take context tokens. ``knobs`` are the axes, coarse to
    fine, that bring it to a given size (`ablations.matching`). ``odd_depth`` says that its depth must be odd.
    """

    name: str
    about: str
    build: Callable[[ModelConfig], nn.Module]
    check: Callable[[ModelConfig], None] = check_sizes
    slots: tuple[str, ...] | None = None
    context: bool = True
    knobs: tuple[Knob, ...] = ()
    odd_depth: bool = False

    def takes(self, axis: Axis) -> bool:
        """Whether options of ``axis`` mean something here."""
        if axis.kind == "recipe":
            return True
        if axis.families and self.name not in axis.families:
            return False
        return self.slots is None or axis.slot in self.slots

    def check_takes(self, axis: Axis) -> None:
        """Raise ValueError where they do not."""
        if not self.takes(axis):
            from variants.axis import AXES

            known = ", ".join(name for name, each in AXES.items() if self.takes(each))
            raise ValueError(f"axis '{axis.name}' means nothing for a {self.name}; its axes: {known}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """An axis of whole numbers that sets a size: its values are multiples of ``step`` (0: of the head dimension)."""

    axis: str
    step: int
    largest: int
    value: Callable[[ModelConfig], int]  # what a config has now


MLP_KNOB = Knob(axis="mlp_hidden", step=8, largest=65_536, value=lambda config: config.mlp_hidden)
WIDTH_KNOB = Knob(axis="width", step=0, largest=16_384, value=lambda config: config.embed_dim)
FAMILIES: Registry[Family] = Registry("family")  # `variants.plugins` says where they come from
