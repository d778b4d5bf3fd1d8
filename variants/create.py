"""From a variant's name to its config and its network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from variants.axis import AXES, Axis, Option, option_in_slot
from variants.config import DEFAULT_SLOTS, ModelConfig, check_data
from variants.families import FAMILIES
from variants.presets import preset_text, split_preset
from variants.recipe import network_part, recipe_options
from variants.spec import Spec, as_spec

if TYPE_CHECKING:
    import torch
    from torch import nn

_Choice = tuple[Axis, Option]


def resolve(
    variant: str | Spec,
    *,
    image_size: int,
    channels: int,
    num_classes: int = 0,
    null_label: bool = False,
    context_tokens: int = 0,
    context_dim: int = 0,
) -> ModelConfig:
    """The architecture that ``variant`` names on this data; imports no torch.

    Raises ValueError for an unknown name, for two options that set the same thing, for a network that makes no sense
    and for options of the training's recipe, each with its reason.
    """
    spec = as_spec(variant)
    for axis, option in recipe_options(spec):
        raise ValueError(
            f"{axis}={option.name} is a choice of the training recipe, and a network has none; leave it out of "
            f"'{spec}', or train it in a grid"
        )
    preset, patch = split_preset(spec.preset)
    base = preset.config(image_size=image_size, channels=channels, patch=patch)
    config = replace(
        _transformed(spec, base),
        num_classes=num_classes,
        null_label=null_label,
        context_tokens=context_tokens,
        context_dim=context_dim,
    )
    check(config)
    return config


def canonical(variant: str | Spec) -> str:
    """The normal text of ``variant``: options sorted, the preset's own choices dropped, the patch in the preset's name.

    Options of the training's recipe stay, defaults too: what the default changes depends on the budget.
    Raises ValueError as `resolve` does, except for what depends on the images.
    """
    recipe, spec = recipe_options(variant), network_part(variant)
    preset, patch = split_preset(spec.preset)
    base = preset.config(image_size=1, channels=1, patch=patch)
    patch = _transformed(spec, base).patch
    chosen = [(axis.name, option.name) for axis, option in _choices(spec, base) if axis.name != "patch"]
    chosen += [(axis, option.name) for axis, option in recipe]
    return str(Spec(preset=preset_text(preset, patch), options=tuple(sorted(chosen))))


def check(config: ModelConfig) -> None:
    """Raise ValueError, with the reason, where ``config`` makes no network."""
    check_data(config)
    family = FAMILIES.get(config.family)
    if config.context_tokens and not family.context:
        raise ValueError(f"a {family.name} takes no context tokens; use another family, such as uvit")
    family.check(config)
    for slot in dict.fromkeys([*DEFAULT_SLOTS, *dict(config.slots)]):
        option = option_in_slot(slot, config.slot(slot))
        if option is not None and option.check is not None:
            option.check(config)


def build(config: ModelConfig, *, seed: int = 0, device: str | torch.device | None = None) -> nn.Module:
    """The network of ``config`` with the initial weights of ``seed``, on ``device`` (default: the CPU).

    No draw is taken from torch's global generators. On ``device="meta"`` there are shapes only and nothing is drawn.
    """
    import torch

    from variants.init import initialise

    check(config)
    make = FAMILIES.get(config.family).build
    if device is not None and torch.device(device).type == "meta":
        with torch.device("meta"):
            return make(config)
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        model = make(config)
        initialise(model, seed)
    return model if device is None else model.to(device)


def create_model(
    variant: str | Spec,
    *,
    image_size: int,
    channels: int,
    num_classes: int = 0,
    null_label: bool = False,
    context_tokens: int = 0,
    context_dim: int = 0,
    seed: int = 0,
    device: str | torch.device | None = None,
) -> nn.Module:
    """The network that ``variant`` (``"uvit-s/2+skip=add"``) names, for images of ``channels`` × ``image_size``².

    ``num_classes`` counts the real classes, ``null_label`` adds a row for label dropout (its index is
    ``num_classes``); ``context_tokens`` tokens of ``context_dim`` features condition on text. The result's
    ``forward(x, timesteps, y=None, context=None)`` takes x (B, C, H, W), network timesteps (B,) in [0, 1000],
    labels (B,) int64 and context (B, T, E), and returns the predicted noise (B, C, H, W).
    Raises ValueError as `resolve` does.
    """
    config = resolve(
        variant,
        image_size=image_size,
        channels=channels,
        num_classes=num_classes,
        null_label=null_label,
        context_tokens=context_tokens,
        context_dim=context_dim,
    )
    return build(config, seed=seed, device=device)


def _choices(spec: Spec, base: ModelConfig) -> list[_Choice]:
    """The options of ``spec`` that change ``base``, sorted by axis, those last that refine what others derive.

    Raises ValueError for an axis that the family of ``base`` lacks.
    """
    named = [(AXES.get(axis), value) for axis, value in sorted(spec.options)]
    found, config = list[_Choice](), base
    for axis, value in sorted(named, key=lambda pair: bool(pair[0].refines)):
        FAMILIES.get(base.family).check_takes(axis)
        option = axis.option(value)
        before = config if axis.refines else base
        after = axis.apply(option, before)
        if after != before:
            found.append((axis, option))
            config = axis.apply(option, config)
    return found


def _transformed(spec: Spec, base: ModelConfig) -> ModelConfig:
    config, claimed = base, dict[str, tuple[str, str]]()
    for axis, option in _choices(spec, base):
        claim = f"{axis.name}={option.name}"
        for key in _changed(base, axis.apply(option, base)):
            if key in claimed and claimed[key][0] not in axis.refines:
                raise ValueError(f"{claimed[key][1]} and {claim} both set {key}; choose one of the two axes")
            claimed[key] = (axis.name, claim)
        config = axis.apply(option, config)
    return config


def _changed(before: ModelConfig, after: ModelConfig) -> list[str]:
    old, new = before.flat(), after.flat()
    return [key for key in sorted(old | new) if old.get(key) != new.get(key)]
