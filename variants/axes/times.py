"""How the times of training are distributed: quantiles of the same uniform draws; docs/recipes.md."""

from __future__ import annotations

from variants.recipe import recipe_axis

_SD3 = "Stable Diffusion 3, Esser et al. 2024 (arXiv:2403.03206)"

AXIS = recipe_axis(
    "times",
    question="Which times should training see more often?",
    options=(
        ("uniform", "t = u", "All are Worth Words, section 2"),
        ("logit_normal", "t = sigmoid(Φ⁻¹(u))", _SD3),
        ("shifted", "t = 3u/(1 + 2u)", _SD3),
        ("lognormal", "log(σ/α) = −1.2 + 1.2 Φ⁻¹(u)", "EDM, Karras et al. 2022 (arXiv:2206.00364), table 1"),
    ),
)
