"""What a network's output stands for, and which noise that is: the paper's ε, x₀, v, or EDM's F. No torch at import.

    x_t = α x₀ + σ ε        y = a x₀ + b ε        D = α b − σ a

An output y beside x_t fixes the noise, ε = (α y − a x_t) / D. An error Δ of the noise at a given x_t is one of D Δ / α
in y, so errors of two predictions are to each other as their D: that is what a loss in another space weighs with.

Shapes: B batch; images are (B, ...), times (B,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.diffusion.process import Process, numbers_of
from variants.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

SIGMA_DATA = 0.5  # of EDM's preconditioning, whatever the data: Karras et al. (2022), table 1
SIGMA_FLOOR = 1e-3  # σ counts as at least that where the noise of a predicted x₀ is taken; no sampler ends below it


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level of noise of a process: α and σ, numbers or tensors that broadcast against images."""

    process: Process
    alpha: Any
    sigma: Any

    @property
    def edm_norm(self) -> Any:
        """r = √(α² σ_data² + σ²), the standard deviation of x_t where that of the data is σ_data."""
        variance = (self.alpha * SIGMA_DATA) ** 2 + self.sigma**2
        return numbers_of(variance).sqrt(variance)


def level_at(process: Process, t: Tensor, like: Tensor) -> Level:
    """The levels at times ``t`` (B,), shaped to broadcast against ``like`` (B, ...) and in its dtype."""
    shape = (-1, *[1] * (like.ndim - 1))
    alpha, sigma = (value.to(like.dtype).view(shape) for value in process.marginal(t))
    return Level(process=process, alpha=alpha, sigma=sigma)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One meaning of a network's output.

    ``target(level, x0, eps)`` is what the output should be, ``noise(level, x_t, y)`` the noise that an output y means,
    ``determinant(level)`` the D above. The network sees ``scale(level) * x_t``, or x_t itself where there is no scale.
    """

    name: str
    about: str
    source: str
    target: Callable[[Level, Tensor, Tensor], Tensor]
    noise: Callable[[Level, Tensor, Tensor], Tensor]
    determinant: Callable[[Level], Any]
    scale: Callable[[Level], Any] | None = None

    def network_input(self, level: Level, x: Tensor) -> Tensor:
        """What the network sees of the noisy images ``x``."""
        return x if self.scale is None else self.scale(level) * x


PREDICTIONS: Registry[Prediction] = Registry("prediction")


def predicted_noise(
    ask: Callable[[Tensor, Tensor], Tensor], process: Process, prediction: Prediction, x: Tensor, t: Tensor
) -> Tensor:
    """The noise (B, ...) that a network predicts for images ``x`` at times ``t`` (B,), in float32 at least.

    ``ask`` maps its input and its ``timesteps`` to its output.
    """
    if prediction is EPS:  # as most are, and nothing needs to be worked out
        return ask(x, process.network_time(t)).to(x.dtype)
    level = level_at(process, t, x)
    output = ask(prediction.network_input(level, x), process.network_time(t))
    return prediction.noise(level, x, output.to(x.dtype))


# ε itself: a = 0, b = 1 (Ho et al. 2020, arXiv:2006.11239, eq. 14).
EPS = Prediction(
    name="eps",
    about="the noise ε",
    source="DDPM, Ho et al. 2020 (arXiv:2006.11239), eq. 14",
    target=lambda level, x0, eps: eps,
    noise=lambda level, x, y: y,
    determinant=lambda level: level.alpha,
)

# The image: a = 1, b = 0; ε = (x_t − α y) / σ, with σ at least SIGMA_FLOOR.
X0 = Prediction(
    name="x0",
    about="the clean image x₀",
    source="Progressive distillation, Salimans and Ho 2022 (arXiv:2202.00512), section 4",
    target=lambda level, x0, eps: x0,
    noise=lambda level, x, y: (x - level.alpha * y) / at_least(SIGMA_FLOOR, level.sigma),
    determinant=lambda level: -level.sigma,
)


def _velocity(level: Level, x0: Tensor, eps: Tensor) -> Tensor:
    a, b = level.process.velocity(level.alpha, level.sigma)
    return a * x0 + b * eps


# The process's velocity: (a, b) with α b − σ a = 1, so ε = α y − a x_t.
V = Prediction(
    name="v",
    about="the velocity: α ε − σ x₀ under vp and sd, ε − x₀ under flow",
    source="Progressive distillation, Salimans and Ho 2022 (arXiv:2202.00512), appendix D",
    target=_velocity,
    noise=lambda level, x, y: level.alpha * y - level.process.velocity(level.alpha, level.sigma)[0] * x,
    determinant=lambda level: 1.0 + 0 * level.alpha,
)


def _edm_target(level: Level, x0: Tensor, eps: Tensor) -> Tensor:
    return (level.sigma / SIGMA_DATA * x0 - level.alpha * SIGMA_DATA * eps) / level.edm_norm


def _edm_noise(level: Level, x: Tensor, y: Tensor) -> Tensor:
    r = level.edm_norm
    return level.sigma / r**2 * x - level.alpha * SIGMA_DATA / r * y


# Table 1's D(x̂; s) = c_skip x̂ + c_out F(c_in x̂) with x̂ = x_t / α and s = σ / α, solved for F and for ε so that nothing
# is divided by α or σ: a = σ / (σ_data r), b = −α σ_data / r, c_in x̂ = x_t / r. The network's time stays the process's.
EDM = Prediction(
    name="edm",
    about="EDM's F: x₀ = α σ_data²/r² x_t + σ σ_data/r F, of the input x_t / r with r² = α² σ_data² + σ²",
    source="EDM, Karras et al. 2022 (arXiv:2206.00364), table 1",
    target=_edm_target,
    noise=_edm_noise,
    determinant=lambda level: -level.edm_norm / SIGMA_DATA,
    scale=lambda level: 1 / level.edm_norm,
)

for _prediction in (EPS, X0, V, EDM):
    PREDICTIONS.register(_prediction.name, _prediction)


def at_least(floor: float, value: Any) -> Any:
    """``value``, element by element no less than ``floor``: a number, a numpy array or a torch tensor."""
    numbers = numbers_of(value)
    return value.clamp(min=floor) if numbers.__name__ == "torch" else numbers.maximum(value, floor)
