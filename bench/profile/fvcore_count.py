"""The count by fvcore, which papers on vision transformers quote: a traced forward pass of one image on the CPU.

fvcore raises on meta tensors for any Conv2d, so this count alone needs memory; the weights are never written, so that
most systems back them by nothing. Its handlers for norms are taken away (it calls them 5 FLOPs an element, and the
other two methods none) and one for fused attention is added, for networks that insist on it.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from variants.inputs import example_inputs

if TYPE_CHECKING:
    from variants.config import ModelConfig

_UNPRODUCTIVE = ("layer_norm", "group_norm", "batch_norm", "upsample_nearest2d")  # what fvcore counts without a product
_ELEMENTWISE = (
    *("mT", "add", "add_", "sub", "mul", "mul_", "div", "neg", "pow", "exp", "rsqrt", "cos", "sin", "mean", "pad"),
    *("embedding", "softmax", "gelu", "silu", "silu_", "sigmoid", "tanh", "relu"),
)


def fvcore_forward(config: ModelConfig) -> tuple[dict[str, int], list[str]]:
    """(MACs by module, each with its children; operators that fvcore cannot count), for one image."""
    import torch

    from variants import build
    from variants.layers.attention import set_attention_kernel

    model = build(config, device="meta").to_empty(device="cpu").eval()
    set_attention_kernel(model, "plain")
    inputs: tuple[Any, ...] = example_inputs(config, batch_size=1, device="cpu")
    while inputs[-1] is None:  # the tracer takes None between tensors, but not at the end
        inputs = inputs[:-1]
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*")
        analysis = _analysis(model, inputs)
        return dict(analysis.by_module()), sorted(analysis.unsupported_ops())


def _analysis(model: Any, inputs: tuple[Any, ...]) -> Any:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(model, inputs)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    analysis.set_op_handle(**{f"aten::{name}": None for name in _ELEMENTWISE})
    analysis.set_op_handle(**{f"aten::{name}": lambda inputs, outputs: 0 for name in _UNPRODUCTIVE})
    return analysis.set_op_handle("aten::scaled_dot_product_attention", _fused_attention)


def _fused_attention(inputs: list[Any], outputs: list[Any]) -> int:
    """q·kᵀ and weights·v for q (…, L, K), k (…, S, K), v (…, S, V)."""
    q, k, v = (value.type().sizes() for value in inputs[:3])
    return math.prod(q[:-1]) * k[-2] * (q[-1] + v[-1])
