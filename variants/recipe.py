"""Axes of the training recipe: their options hold plain values for the training's configuration, and change no network.

A variant's text carries them beside the network's options; who trains it takes the two apart here.
"""

from __future__ import annotations

from typing import Any

from variants.axis import AXES, Axis, Option
from variants.spec import Spec, as_spec


def recipe_axis(name: str, *, question: str, options: tuple[tuple[str, str, str], ...]) -> Axis:
    """The axis that sets the training's field of its own name: ``(option, formula, source)``, the default first."""
    return Axis(
        name=name,
        kind="recipe",
        question=question,
        default=options[0][0],
        options=tuple(
            Option(name=option, formula=formula, source=source, recipe={name: option})
            for option, formula, source in options
        ),
    )


def recipe_options(variant: str | Spec) -> list[tuple[str, Option]]:
    """The axes and options of the recipe in ``variant``, sorted by axis. Raises ValueError for an unknown name."""
    named = [(AXES.get(axis), value) for axis, value in sorted(as_spec(variant).options)]
    return [(axis.name, axis.option(value)) for axis, value in named if axis.kind == "recipe"]


def recipe_of(variant: str | Spec) -> dict[str, Any]:
    """What ``variant`` sets of the training, by field. Raises ValueError where two of its options set the same."""
    values, claimed = dict[str, Any](), dict[str, str]()
    for axis, option in recipe_options(variant):
        claim = f"{axis}={option.name}"
        for key, value in (option.recipe or {}).items():
            if key in claimed:
                raise ValueError(f"{claimed[key]} and {claim} both set training.{key}; choose one of the two axes")
            values[key], claimed[key] = value, claim
    return values


def without(variant: str | Spec, axes: list[str]) -> Spec:
    """``variant`` without its options of ``axes``."""
    spec = as_spec(variant)
    return Spec(preset=spec.preset, options=tuple(pair for pair in spec.options if pair[0] not in axes))


def network_part(variant: str | Spec) -> Spec:
    """``variant`` without its recipe: what `variants.resolve` takes."""
    return without(variant, [axis for axis, _ in recipe_options(variant)])
