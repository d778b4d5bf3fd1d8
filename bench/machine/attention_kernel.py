"""Which attention kernel is faster here: measured once for a machine, precision and shape, then read from the cache.

L tokens, H heads, K head width. Only a CPU is measured: on an accelerator torch's fused kernel is the right one.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files.paths import cache_dir
from bench.machine.runtime import Runtime, usual_attention
from results.provenance import cpu_model
from results.store import write_json

if TYPE_CHECKING:
    from torch import Tensor

    from variants.config import ModelConfig

ROUNDS = 5
TOKENS = 4_096  # in one measured batch
CLEARLY = 1.15  # how many times faster the other kernel must be to take the place of the usual one


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AttentionShape:
    """What the speed of attention depends on, beside the machine."""

    length: int
    heads: int
    head_dim: int

    def __str__(self) -> str:
        return f"{self.length}x{self.heads}x{self.head_dim}"


@lru_cache(maxsize=256)
def attention_shape(config: ModelConfig) -> AttentionShape | None:
    """The longest attention of a network, read off one pass on the meta device; None where it has none of ours."""
    import torch

    from variants import build
    from variants.inputs import example_inputs
    from variants.layers.attention import Attention

    model, shapes = build(config, device="meta"), set[AttentionShape]()

    def note(module: Any, inputs: tuple[Tensor, ...]) -> None:
        _, length, dim = inputs[0].shape
        shapes.add(AttentionShape(length=length, heads=module.num_heads, head_dim=dim // module.num_heads))

    for module in model.modules():
        if isinstance(module, Attention):
            module.register_forward_pre_hook(note)
    with torch.inference_mode():
        model(*example_inputs(config, batch_size=1, device="meta"))
    return max(shapes, default=None)


def with_measured_attention(
    runtime: Runtime, configs: Iterable[ModelConfig], *, settled: bool = False, training: bool = True
) -> Runtime:
    """``runtime`` with the faster kernel for the networks of ``configs``: one name, or one for each shape.

    ``settled`` says that the runtime's kernels are those that a grid was started with: they are kept, and only shapes
    that it did not have are measured.
    """
    shapes = sorted({shape for config in configs if (shape := attention_shape(config)) is not None})
    if (settled and isinstance(runtime.attention, str)) or not runtime.device.startswith("cpu") or not shapes:
        return runtime
    kernels = dict(runtime.attention) if settled and not isinstance(runtime.attention, str) else {}
    for shape in shapes:
        if str(shape) not in kernels:
            kernels[str(shape)] = faster_attention(shape, runtime, training=training)
    return replace(runtime, attention=kernels if len(set(kernels.values())) > 1 else kernels[str(shapes[0])])


def for_network(runtime: Runtime, config: ModelConfig) -> Runtime:
    """``runtime`` with the one kernel that the network of ``config`` takes."""
    if isinstance(runtime.attention, str):
        return runtime
    usual = usual_attention(runtime.device, runtime.precision)
    return replace(runtime, attention=runtime.attention.get(str(attention_shape(config)), usual))


def faster_attention(shape: AttentionShape, runtime: Runtime, *, training: bool) -> str:
    """``plain`` or ``fused``: the usual one unless the other is clearly faster; measured once and cached."""
    path, key = cache_dir() / "attention.json", _key(shape, runtime, training)
    known = _read(path)
    if key not in known:
        known |= {key: _measure(shape, runtime, training)}
        with suppress(OSError):  # a cache that cannot be written costs a second, not the run
            write_json(path, known)
    usual = usual_attention(runtime.device, runtime.precision)
    other = min(known[key], key=known[key].__getitem__)
    return other if known[key][usual] > CLEARLY * known[key][other] else usual


def _key(shape: AttentionShape, runtime: Runtime, training: bool) -> str:
    import torch

    use = "training" if training else "inference"
    return "|".join([str(cpu_model()), torch.__version__, str(runtime.threads), runtime.precision, use, str(shape)])


def _read(path: Path) -> dict[str, dict[str, float]]:
    """The cached seconds by key and kernel; nothing where the file is absent or damaged."""
    try:
        found = json.loads(path.read_text())
        return {str(k): {str(name): float(s) for name, s in times.items()} for k, times in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _measure(shape: AttentionShape, runtime: Runtime, training: bool) -> dict[str, float]:
    """Median seconds of each kernel, in turn, after a warm-up."""
    from variants.layers.attention import KERNELS

    qkv = _random_qkv(shape, runtime)
    seconds: dict[str, list[float]] = {name: [] for name in KERNELS}
    for _ in range(1 + ROUNDS):
        for name, kernel in KERNELS.items():
            seconds[name].append(_time(lambda kernel=kernel: _once(kernel, qkv, shape.heads, training)))  # type: ignore[misc]
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def _random_qkv(shape: AttentionShape, runtime: Runtime) -> Tensor:
    import torch

    from bench.random import normal, stream

    batch = max(1, TOKENS // shape.length)
    size = (batch, shape.length, 3 * shape.heads * shape.head_dim)
    dtype = torch.bfloat16 if runtime.precision == "bfloat16" else torch.float32
    return normal(stream(0, "attention"), size).to(dtype)


def _once(kernel: Callable[[Tensor, int], Tensor], qkv: Tensor, heads: int, training: bool) -> None:
    import torch

    with torch.set_grad_enabled(training):
        output = kernel(qkv.detach().requires_grad_(training), heads)
    if training:
        output.backward(torch.ones_like(output))


def _time(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
