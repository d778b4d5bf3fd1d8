"""Initial weights that depend on the seed and on a parameter's name and shape, and on nothing else.

Layers that two variants share therefore start equal, whatever else the variants have. The distributions are those of
the official code: linear weights and position tables N(0, 0.02²), convolutions U(±1/√fan_in), embeddings N(0, 1).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from variants.layers.position import LearnedPositions, SinCosPositions, sincos_2d
from variants.layers.starts import DiracConv2d, SinCosStart, SmallLinear, ZeroConv2d, ZeroLinear
from variants.layers.time import ScaleShift

Draw = Callable[[nn.Module, Tensor, np.random.Generator], np.ndarray]
STD = 0.02


def initialise(model: nn.Module, seed: int) -> None:
    """Draw every parameter of ``model`` anew, in place, each from its own stream.

    A module of a type not known here must have ``reset_parameters()``, as torch's own layers do; it runs with torch's
    generator seeded by the module's name. A model's ``initial_weights`` names its distributions (`_SCHEMES`; U-ViT's
    where it has none). Raises ValueError where there is no rule for a parameter.
    """
    scheme = _SCHEMES[getattr(model, "initial_weights", "official")]
    for name, module in model.named_modules():
        own = dict(module.named_parameters(recurse=False))
        rules = {leaf: _rule(scheme, module, leaf) for leaf in own}
        if any(rule is None for rule in rules.values()):
            _reset(module, name, seed)
            continue
        for leaf, parameter in own.items():
            rule = rules[leaf]
            assert rule is not None
            _fill(parameter, rule(module, parameter, _stream(seed, f"{name}.{leaf}".lstrip("."), parameter.shape)))
    _open_scales(model)


def _stream(seed: int, name: str, shape: torch.Size | tuple[int, ...]) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=_key(seed, name, shape)))


def _key(seed: int, name: str, shape: torch.Size | tuple[int, ...]) -> int:
    text = f"{seed}|init|{name}|{'x'.join(map(str, shape))}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def _fill(parameter: Tensor, values: np.ndarray) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(values))


def _normal(std: float) -> Draw:
    # The official truncation is at ±2, a hundred standard deviations of the weights away: no truncation.
    return lambda module, value, rng: rng.standard_normal(tuple(value.shape), dtype=np.float32) * np.float32(std)


def _constant(constant: float) -> Draw:
    return lambda module, value, rng: np.full(tuple(value.shape), constant, dtype=np.float32)


def _dirac(module: nn.Module, value: Tensor, rng: np.random.Generator) -> np.ndarray:
    """The kernel of the identity."""
    kernel: np.ndarray = nn.init.dirac_(torch.empty(value.shape)).numpy()
    return kernel


def _sincos(module: nn.Module, value: Tensor, rng: np.random.Generator) -> np.ndarray:
    """Drawn like all positions, but for the patches' rows."""
    assert isinstance(module, SinCosStart)
    table = _normal(STD)(module, value, rng)
    table[0, -(module.grid**2) :] = sincos_2d(module.grid, value.shape[-1]).numpy()
    return table


def _fan_in_uniform(module: nn.Module, value: Tensor, rng: np.random.Generator) -> np.ndarray:
    """U(±1/√fan_in) for weight and bias: torch's default for convolutions."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    bound = 1 / math.sqrt(weight[0].numel())
    unit = rng.random(tuple(value.shape), dtype=np.float32)
    return (2 * unit - 1) * np.float32(bound)


def _xavier_uniform(module: nn.Module, value: Tensor, rng: np.random.Generator) -> np.ndarray:
    """U(±√(6/(fan_in + fan_out))) (Glorot and Bengio 2010, eq. 16); patches that do not overlap count as a linear map.

    ``fan_out`` on a module says what one of several maps has that share its weight.
    """
    fan_in, fan_out = value[0].numel(), value[:, 0].numel()
    if isinstance(module, nn.Conv2d) and module.stride == module.kernel_size:
        fan_out = value.shape[0]
    bound = math.sqrt(6 / (fan_in + int(vars(module).get("fan_out", fan_out))))
    unit = rng.random(tuple(value.shape), dtype=np.float32)
    return (2 * unit - 1) * np.float32(bound)


_Rules = list[tuple[tuple[type[nn.Module], ...], dict[str, Draw]]]
_STARTS: _Rules = [
    ((ZeroLinear, ZeroConv2d), {"weight": _constant(0), "bias": _constant(0)}),
    ((DiracConv2d,), {"weight": _dirac, "bias": _constant(0)}),
    ((SinCosStart,), {"table": _sincos}),
]
_OFFICIAL: _Rules = [
    *_STARTS,
    ((nn.Linear,), {"weight": _normal(STD), "bias": _constant(0)}),
    ((nn.LayerNorm, nn.GroupNorm, nn.RMSNorm), {"weight": _constant(1), "bias": _constant(0)}),
    ((nn.Conv1d, nn.Conv2d, nn.Conv3d), {"weight": _fan_in_uniform, "bias": _fan_in_uniform}),
    ((nn.Embedding,), {"weight": _normal(1)}),
    ((LearnedPositions, SinCosPositions), {"table": _normal(STD)}),
]
# What the rivals' codes start with: Xavier's bounds, zero biases, and zeros where a branch joins (docs/rivals.md).
_XAVIER: _Rules = [
    *_STARTS,
    ((SmallLinear,), {"weight": _normal(STD), "bias": _constant(0)}),
    ((nn.Linear, nn.Conv2d), {"weight": _xavier_uniform, "bias": _constant(0)}),
    ((nn.LayerNorm, nn.GroupNorm), {"weight": _constant(1), "bias": _constant(0)}),
    ((nn.Embedding,), {"weight": _normal(STD)}),
    ((LearnedPositions,), {"table": _normal(1)}),
]
_SCHEMES = {"official": _OFFICIAL, "xavier": _XAVIER}


def _rule(scheme: _Rules, module: nn.Module, leaf: str) -> Draw | None:
    for types, rules in scheme:
        if isinstance(module, types):
            return rules.get(leaf)
    return None


def _reset(module: nn.Module, name: str, seed: int) -> None:
    reset = getattr(module, "reset_parameters", None)
    if not callable(reset):
        kind = type(module).__name__
        raise ValueError(f"no initial weights are defined for '{name}' ({kind}); give {kind} a reset_parameters()")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_key(seed, name, ()) % 2**63)
        reset()


def _open_scales(model: nn.Module) -> None:
    """Adaptive norms start near plain ones: y_s around 1, y_b around 0."""
    for module in model.modules():
        if isinstance(module, ScaleShift):
            with torch.no_grad():
                module.linear.bias[: module.dim] = 1
