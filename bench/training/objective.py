"""What is learned, and how fast: the loss with its equations, the learning rate with its schedule.

Shapes: B batch, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.diffusion import PROCESSES
from bench.diffusion.prediction import PREDICTIONS, Level, at_least, level_at

if TYPE_CHECKING:
    from bench.config import TrainingConfig
    from bench.diffusion import Process
    from bench.diffusion.prediction import Prediction
    from bench.machine.runtime import Runtime

Network = Callable[..., Tensor]

GAMMA = 5.0  # of Min-SNR: Hang et al. (2023, arXiv:2303.09556), their default
SHIFT = 3.0  # of shifted times: Esser et al. (2024), section 5.3.2
P_MEAN, P_STD = -1.2, 1.2  # of lognormal times: Karras et al. (2022, arXiv:2206.00364), table 1
BELOW_ONE = 2.0**-24  # the step of float32 draws from [0, 1)
SPACE_FLOOR = 0.05  # |D| counts as at least that in another space, as σ does in JiT's code (Li and He 2025)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What a network learns: a process, the meaning of its output, the weight of an error, and at which times.

    The loss is a mean over images and pixels, and with the defaults Ho et al. 2020, eq. 14:

        L = E_t,x₀,ε  w(t) |y_θ(c x_t, t) − (a x₀ + b ε)|²
    """

    process: Process
    prediction: Prediction
    space: Prediction
    weighting: str
    times: str

    @classmethod
    def of(cls, training: TrainingConfig) -> Self:
        """The objective of a training."""
        prediction = PREDICTIONS.get(training.prediction)
        return cls(
            process=PROCESSES.get(training.process),
            prediction=prediction,
            space=prediction if training.loss_space == "own" else PREDICTIONS.get(training.loss_space),
            weighting=training.weighting,
            times=training.times,
        )

    def loss(
        self, network: Network, runtime: Runtime, x0: Tensor, u: Tensor, noise: Tensor, **condition: Tensor
    ) -> Tensor:
        """The mean loss of a batch.

        ``x0`` (B, C, H, W) is in [-1, 1] or a scaled latent, ``u`` (B,) uniform in [0, 1), of which the times are made;
        ``noise`` is ε (B, C, H, W). ``condition`` holds the network's other inputs (`bench.conditions`).
        """
        t = self.process.training_times(TIMES[self.times](u, self.process))
        level = level_at(self.process, t, x0)
        x_t = level.alpha * x0 + level.sigma * noise
        with runtime.autocast():
            output = network(
                self.prediction.network_input(level, x_t), self.process.network_time(t), **condition
            ).float()
        target = self.prediction.target(level, x0, noise)
        weight = self.weight(level)
        return F.mse_loss(output, target) if weight is None else (weight * (output - target).square()).mean()

    def weight(self, level: Level) -> Any:
        """w at ``level``, of a squared error of the output; None for 1.

        In another space it is (D_space / D)². Min-SNR gives an error of x₀ the weight min(α²/σ², γ) in whatever space
        it is taken (Hang et al. 2023), so that of the output is min(α², γ σ²) / D².
        """
        own = self.prediction.determinant(level)
        if self.weighting == "min_snr":
            snr = (GAMMA * level.sigma**2).minimum(level.alpha**2)
            return snr / at_least(1e-12, own.abs()) ** 2
        if self.space is self.prediction:
            return None
        return (self.space.determinant(level) / at_least(SPACE_FLOOR, own.abs())) ** 2


def _uniform(u: Tensor, process: Process) -> Tensor:
    return u


def _logit_normal(u: Tensor, process: Process) -> Tensor:
    """sigmoid of a standard normal quantile (Esser et al. 2024, arXiv:2403.03206, section 3.1, m = 0, s = 1)."""
    return torch.sigmoid(torch.special.ndtri(u))


def _shifted(u: Tensor, process: Process) -> Tensor:
    """s u / (1 + (s − 1) u), towards more noise (Esser et al. 2024, eq. 23)."""
    return SHIFT * u / (1 + (SHIFT - 1) * u)


def _lognormal(u: Tensor, process: Process) -> Tensor:
    """Where log(σ/α) is N(P_MEAN, P_STD²), EDM's σ being σ/α here; held within [0, 1), where times of training lie."""
    log_sigma = P_MEAN + P_STD * torch.special.ndtri(u.clamp(min=BELOW_ONE))
    return process.inverse_lambda(-log_sigma).clamp(0, 1 - BELOW_ONE)


# Quantiles of the times' distribution at u, uniform in [0, 1): arms with other times share the draws.
TIMES: dict[str, Callable[[Tensor, Process], Tensor]] = {
    "uniform": _uniform,
    "logit_normal": _logit_normal,
    "shifted": _shifted,
    "lognormal": _lognormal,
}


def learning_rate(step: int, *, lr: float, warmup: int, cooldown: float = 0.0, steps: int = 0) -> float:
    """Linear warm-up to ``lr`` over ``warmup`` steps, then constant; step counts from 0 and the first step learns.

    Over the last share ``cooldown`` of all ``steps`` it falls linearly and would be zero at the step after the last.
    """
    rate = lr * min(1.0, (step + 1) / warmup) if warmup else lr
    return rate * min(1.0, (steps - step) / (cooldown * steps)) if cooldown else rate
