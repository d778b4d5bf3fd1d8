"""What an axis is: named options, each a transform of the config and, where it fills a slot, a builder of the layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from variants.config import DEFAULT_SLOTS, ModelConfig
from variants.registry import Registry, unknown

Transform = Callable[[ModelConfig], ModelConfig]
Builder = Callable[..., Any]
Kind = Literal["network", "initial weights", "recipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value of an axis.

    ``build`` makes the layer of the axis's slot (arguments and result: see `variants.backbone`); for a slot that the
    backbone lacks it gets ``(config, model)`` and changes the finished model in place. ``transform`` replaces the
    usual change of the config (this option into the axis's slot); ``check`` raises ValueError for a config with which
    the option makes no sense. ``recipe`` are plain values for fields of the training's configuration, and then it has
    nothing else. ``source`` names where the choice comes from.
    """

    name: str
    formula: str
    source: str = ""
    build: Builder | None = None
    transform: Transform | None = None
    check: Callable[[ModelConfig], None] | None = None
    recipe: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One choice (``kind``): of the network, of its initial weights alone, or of the training's recipe.

    ``options`` has the default first, and ``slot`` is the axis's name unless given.

    ``make`` reads an option that is not among the named ones (any integer for sizes) and raises ValueError for what
    it cannot read. ``families`` limits it to some (empty: all that have its slot). What it sets may have been derived
    by an axis that it ``refines``; then both may be chosen, and this one acts last.
    """

    name: str
    question: str
    default: str
    options: tuple[Option, ...]
    slot: str = ""
    make: Callable[[str], Option] | None = None
    families: tuple[str, ...] = ()
    refines: tuple[str, ...] = ()
    kind: Kind = "network"

    def __post_init__(self) -> None:
        names = [option.name for option in self.options]
        if self.default not in names or len(set(names)) != len(names):
            raise ValueError(
                f"axis '{self.name}' needs different option names and a default among them; got {names} and "
                f"'{self.default}'"
            )
        for option in self.options:
            if (option.recipe is not None) != (self.kind == "recipe"):
                raise ValueError(
                    f"option '{option.name}' of axis '{self.name}': every option of an axis of kind 'recipe' has a "
                    "recipe, the default too, and no other has one"
                )
            if self.kind == "recipe" and (option.build or option.transform or option.check):
                raise ValueError(f"option '{option.name}' of axis '{self.name}' sets the recipe, and so no network")
            if self.kind != "recipe" and option.name != self.default and not (option.build or option.transform):
                raise ValueError(f"option '{option.name}' of axis '{self.name}' needs a build or a transform")
        object.__setattr__(self, "slot", self.slot or self.name)

    def option(self, value: str) -> Option:
        """The option called ``value``; raises ValueError with the nearest and all names."""
        for option in self.options:
            if option.name == value:
                return option
        if self.make is not None:
            return self.make(value)
        raise ValueError(unknown(f"option of axis '{self.name}'", value, [option.name for option in self.options]))

    def apply(self, option: Option, config: ModelConfig) -> ModelConfig:
        """``config`` with ``option`` chosen."""
        if option.transform is not None:
            return option.transform(config)
        if option.name == self.default:
            return config.without_slot(self.slot)
        return config.with_slot(self.slot, option.name)


AXES: Registry[Axis] = Registry("axis")  # `variants.plugins` says where they come from


def option_in_slot(slot: str, choice: str) -> Option | None:
    """The option that fills ``slot`` with ``choice``, from whichever axis; None where no axis has it."""
    found = [
        (axis.name, option)
        for _, axis in AXES.items()
        for option in axis.options
        if axis.slot == slot and option.name == choice
    ]
    if len(found) > 1:
        names = " and ".join(f"'{name}'" for name, _ in found)
        raise ValueError(f"axes {names} both define '{choice}' for slot '{slot}'; rename one of the options")
    return found[0][1] if found else None


def builder(config: ModelConfig, slot: str) -> Builder | None:
    """What makes the layer of ``slot`` for this config; None where the backbone's own layer serves."""
    choice = config.slot(slot)
    option = option_in_slot(slot, choice)
    if option is not None and option.build is not None:
        return option.build
    if choice == DEFAULT_SLOTS.get(slot):
        return None
    raise ValueError(f"nothing builds '{choice}' for slot '{slot}'; load the plugin that defines it")
