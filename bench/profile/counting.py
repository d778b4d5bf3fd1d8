"""Parameters and MACs of a network by three independent methods, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bench.profile.closed_form.forms import closed_form
from bench.profile.fvcore_count import fvcore_forward
from bench.profile.macs import flop_counter_forward, flop_counter_train
from bench.profile.parts import by_part, total_by_part

if TYPE_CHECKING:
    from variants.config import ModelConfig

TOLERANCE = 0.01  # of the network's MACs: methods further apart, in all or in a part, are named with the reason
REFERENCE = "flop_counter"

Method = dict[str, Any]  # {"macs": int, "by_part": {...}} or {"macs": None, "why": text}


@lru_cache(maxsize=64)
def counts(config: ModelConfig) -> dict[str, Any]:
    """JSON-able: ``params``, ``macs`` and ``train_macs`` of one image, each in all and, where known, by part.

    ``methods`` has what each of ``closed_form``, ``flop_counter`` and ``fvcore`` found, ``differs`` the methods
    that are off by more than 1% with the reason. ``train_macs`` is forward and backward; ``checkpointed`` adds what
    gradient checkpointing computes again.
    """
    from variants import build

    forward = flop_counter_forward(config)
    reference = {"macs": forward.macs, "by_part": by_part(forward.by_module)}
    methods = {"closed_form": _closed_form(config), REFERENCE: reference, "fvcore": _fvcore(config)}
    model = build(config, device="meta")
    params = [(name, parameter.numel()) for name, parameter in model.named_parameters()]
    return {
        "params": sum(number for _, number in params),
        "params_by_part": total_by_part(params),
        "macs": forward.macs,
        "macs_by_part": reference["by_part"],
        "conv_macs": forward.conv_macs,
        "methods": methods,
        "differs": {
            name: why for name, found in methods.items() if (why := difference(found, reference)) and name != REFERENCE
        },
        "train_macs": _train_macs(config, hasattr(model, "gradient_checkpointing")),
    }


def difference(found: Method, reference: Method) -> str | None:
    """Why ``found`` does not confirm ``reference``: absent, or off by more than 1% in all or in a part; else None."""
    if found["macs"] is None:
        return str(found["why"])
    limit = TOLERANCE * reference["macs"]
    pairs = {"total": (found["macs"], reference["macs"])} | _aligned(found["by_part"], reference["by_part"])
    off = [f"{name} {a / 1e9:.3f} G against {b / 1e9:.3f} G" for name, (a, b) in pairs.items() if abs(a - b) > limit]
    if not off:
        return None
    uncounted = f"; not counted: {', '.join(found['uncounted'])}" if found.get("uncounted") else ""
    return ", ".join(off) + uncounted


def _aligned(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    return {part: (a.get(part, 0), b.get(part, 0)) for part in {**a, **b}}


def _closed_form(config: ModelConfig) -> Method:
    try:
        formula = closed_form(config)
    except ValueError as error:
        return {"macs": None, "why": str(error)}
    train = {"train_macs": formula.train_macs(), "checkpointed": formula.train_macs(gradient_checkpointing=True)}
    return {"macs": formula.macs, "by_part": formula.by_part, **train}


def _fvcore(config: ModelConfig) -> Method:
    try:
        by_module, uncounted = fvcore_forward(config)
    except Exception as error:  # its tracer has limits, and it alone needs memory: the record says which
        return {"macs": None, "why": f"fvcore failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"}
    return {"macs": by_module[""], "by_part": by_part(by_module), "uncounted": uncounted}


def _train_macs(config: ModelConfig, can_checkpoint: bool) -> dict[str, int | None]:
    again = flop_counter_train(config, gradient_checkpointing=True).macs if can_checkpoint else None
    return {"macs": flop_counter_train(config).macs, "checkpointed": again}
