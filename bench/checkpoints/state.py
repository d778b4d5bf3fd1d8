"""A training's state as tensors by key, as a checkpoint holds it, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from bench.checkpoints.file import Checkpoint
    from bench.training.step import TrainState

_MOMENTS = ("exp_avg", "exp_avg_sq")


def state_tensors(state: TrainState) -> dict[str, Tensor]:
    """Everything that the next step depends on, by key, where it is; optimiser state only once there is some."""
    tensors: dict[str, Tensor] = {f"model.{name}": p for name, p in state.model.named_parameters()}
    tensors |= {f"ema.{name}": average for name, average in state.ema.averages.items()}
    for name, parameter in state.model.named_parameters():
        moments = state.optimizer.state.get(parameter, {})
        tensors |= {f"optim.{key}.{name}": moments[key] for key in _MOMENTS if key in moments}
        if "step" in moments:
            tensors[f"optim.step.{name}"] = moments["step"]
    return {key: value.detach() for key, value in tensors.items()}


def tensors_after_a_step(state: TrainState) -> dict[str, Tensor]:
    """`state_tensors` as it will be once the optimiser has its moments; for shapes only."""
    moments = {f"optim.{key}.{name}": p.detach() for name, p in state.model.named_parameters() for key in _MOMENTS}
    return moments | state_tensors(state)


def restore(state: TrainState, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's tensors back, so that the next step is bit for bit the one that would have followed."""
    import torch

    tensors = checkpoint.tensors
    state.step = checkpoint.header.step
    with torch.no_grad():
        for name, parameter in state.model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
            state.ema.averages[name].copy_(tensors[f"ema.{name}"])
            if f"optim.step.{name}" in tensors:
                moments = {key: tensors[f"optim.{key}.{name}"].to(parameter.device) for key in _MOMENTS}
                state.optimizer.state[parameter] = {
                    "step": _optimizer_step(state, tensors[f"optim.step.{name}"]),
                    **moments,
                }


def _optimizer_step(state: TrainState, step: Tensor) -> Tensor:
    """AdamW keeps its step counter on the parameter's device when it is fused on an accelerator, else on the CPU."""
    fused = bool(state.optimizer.defaults["fused"])
    return step.to(state.runtime.device) if fused else step
