"""In which space the error of the output is taken; docs/recipes.md has the equations."""

from __future__ import annotations

from variants.recipe import recipe_axis

_SOURCE = "Progressive distillation, Salimans and Ho 2022 (arXiv:2202.00512), section 4"

AXIS = recipe_axis(
    "loss_space",
    question="Should the error be taken of the output itself, or of the noise, image or velocity that it means?",
    options=(
        ("own", "|Δy|²", "as each prediction's paper has it"),
        ("eps", "|Δε|²", _SOURCE),
        ("x0", "|Δx₀|²", _SOURCE),
        ("v", "|Δv|²", _SOURCE),
    ),
)
