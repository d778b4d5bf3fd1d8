"""What a sampler tells the rest of the suite, and the two checks that all of them share."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from variants.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from bench.diffusion.process import Process

NoisePrediction = Callable[["Tensor", "Tensor"], "Tensor"]  # (x: (B, ...), t: (B,)) -> predicted noise (B, ...)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """A registered sampler; calling it calls ``function``.

    ``stochastic`` samplers take ``noise``, a function from the number of the evaluation to standard normal noise, and
    draw new noise at every call without it.
    ``order`` is how the error falls with the step: h^order, of the path (weakly, of mean and spread, if stochastic);
    `bench.diffusion.convergence.study` measures it, and a test holds it to what it says. None claims nothing.
    """

    name: str
    default_nfe: int
    stochastic: bool
    source: str
    function: Callable[..., Tensor]
    order: int | None = None

    @property
    def card(self) -> dict[str, Any]:
        """JSON-able: what a score says of how its images were drawn."""
        return {"sampler": self.name, "stochastic": self.stochastic, "source": self.source}

    def __call__(self, noise_pred: NoisePrediction, x_T: Tensor, **options: Any) -> Tensor:
        return self.function(noise_pred, x_T, **{"steps": self.default_nfe, **options})


SAMPLERS: Registry[Sampler] = Registry("sampler")


def sampler(
    *, default_nfe: int, source: str, stochastic: bool = False, order: int | None = None
) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Register a function under its own name and leave it as it is."""

    def register(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        name = function.__name__
        entry = Sampler(
            name=name, default_nfe=default_nfe, stochastic=stochastic, source=source, function=function, order=order
        )
        SAMPLERS.register(name, entry)
        return function

    return register


def check_steps(steps: int) -> int:
    """``steps`` as an int; raises ValueError unless it is a whole number of at least 1."""
    try:
        count = operator.index(steps)
    except TypeError:
        raise ValueError(f"steps must be a whole number of network evaluations, got {steps!r}") from None
    if count < 1:
        raise ValueError(f"steps must be at least 1 network evaluation, got {count}")
    return count


def check_end(t_end: float | None, process: Process) -> float:
    """``t_end``, or the process's own where it is None; raises ValueError outside (0, ``t_start``)."""
    end = process.t_end if t_end is None else t_end
    if not 0 < end < process.t_start:
        raise ValueError(f"t_end must lie in (0, {process.t_start:g}), got {end}")
    return float(end)


def at_time(noise_pred: NoisePrediction, x: Tensor, t: float) -> Tensor:
    """The network's noise at one time for the whole batch; the time is written on x's device without waiting for it."""
    import torch

    dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
    return noise_pred(x, torch.full((x.shape[0],), t, dtype=dtype, device=x.device))
