"""Samplers: from noise ``x_T`` at the process's ``t_start`` to images. One file is one sampler, found by scanning.

A sampler is a function ``(noise_pred, x_T, *, steps, sde=None, ...) -> x_0`` that calls ``noise_pred(x, t)`` exactly
``steps`` times. ``x_T`` is a floating-point tensor (B, ...); ``t`` has shape (B,), values in (0, 1], and is float32
(float64 when ``x_T`` is). Coefficients are Python floats, worked out in float64, so that no step waits for
the device. ``steps`` under 1 raises ValueError.
"""

import importlib
import pkgutil

from bench.diffusion.samplers.registry import SAMPLERS, NoisePrediction, Sampler, sampler

for _module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
    importlib.import_module(f"{__name__}.{_module.name}")

dpm_solver = SAMPLERS.get("dpm_solver").function
euler_maruyama = SAMPLERS.get("euler_maruyama").function
ddim = SAMPLERS.get("ddim").function
dpm_solver_pp = SAMPLERS.get("dpm_solver_pp").function
dpm_solver_pp_2m = SAMPLERS.get("dpm_solver_pp_2m").function

__all__ = [
    "SAMPLERS",
    "NoisePrediction",
    "Sampler",
    "ddim",
    "dpm_solver",
    "dpm_solver_pp",
    "dpm_solver_pp_2m",
    "euler_maruyama",
    "sampler",
]
