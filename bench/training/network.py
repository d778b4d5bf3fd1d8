"""A network made ready for a runtime: on its device, with its attention kernel and gradient checkpointing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from bench.machine.runtime import Runtime


def prepare_network(model: nn.Module, runtime: Runtime) -> nn.Module:
    """``model`` on the runtime's device, in training mode, with its attention kernel and gradient checkpointing.

    Raises ValueError where checkpointing is asked of a network that has none.
    """
    from variants.layers.attention import set_attention_kernel
    from variants.layers.time import SinusoidalEmbedding

    assert isinstance(runtime.attention, str), "the kernel of one network, which attention_kernel.for_network picks"
    set_attention_kernel(model, runtime.attention)
    if runtime.gradient_checkpointing:
        if not hasattr(model, "gradient_checkpointing"):
            raise ValueError(
                f"{type(model).__name__} has no gradient checkpointing; leave --gradient-checkpointing out"
            )
        vars(model)["gradient_checkpointing"] = True
    model = model.to(runtime.device).train()
    for module in model.modules():
        if isinstance(module, SinusoidalEmbedding):
            module.move(next(model.parameters()).device)
    return model
