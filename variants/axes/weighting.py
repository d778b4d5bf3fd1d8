"""How errors at different levels of noise weigh; docs/recipes.md has the equations."""

from __future__ import annotations

from variants.recipe import recipe_axis

AXIS = recipe_axis(
    "weighting",
    question="Should errors at low noise weigh less?",
    options=(
        ("none", "w = 1", "DDPM, Ho et al. 2020 (arXiv:2006.11239)"),
        ("min_snr", "min(α²/σ², 5) of |Δx₀|²", "Min-SNR, Hang et al. 2023 (arXiv:2303.09556)"),
    ),
)
