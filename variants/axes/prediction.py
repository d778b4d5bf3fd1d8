"""What the network's output stands for; docs/recipes.md has the equations, `bench.diffusion.prediction` the code."""

from __future__ import annotations

from variants.recipe import recipe_axis

_DISTILLATION = "Progressive distillation, Salimans and Ho 2022 (arXiv:2202.00512)"

AXIS = recipe_axis(
    "prediction",
    question="Should the network predict the noise, the image, the velocity, or EDM's mixture of them?",
    options=(
        ("eps", "y = ε", "DDPM, Ho et al. 2020 (arXiv:2006.11239)"),
        ("x0", "y = x₀", _DISTILLATION),
        ("v", "y = αε − σx₀; under flow y = ε − x₀", _DISTILLATION),
        (
            "edm",
            "x₀ = ασ_d²/r²·x + σσ_d/r·y, input x/r, r² = α²σ_d² + σ²",
            "EDM, Karras et al. 2022 (arXiv:2206.00364)",
        ),
    ),
)
