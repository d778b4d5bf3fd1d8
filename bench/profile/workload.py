"""The call that is measured: a forward pass, a training step or a whole sampling, ready on its device."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bench.config import TrainingConfig
from bench.machine.allocator import keep_freed_memory
from bench.machine.compilation import compiled
from bench.profile.setting import Setting
from bench.sampling import sample_images
from bench.training.cuda_graph import warm_up
from bench.training.network import prepare_network
from bench.training.step import TrainState
from variants import build
from variants.inputs import example_inputs

if TYPE_CHECKING:
    from variants.config import ModelConfig


@dataclass(slots=True, kw_only=True)
class Workload:
    """``call`` works on ``batch_size`` images; ``state_bytes`` and ``forward_loss`` serve the memory figures."""

    call: Callable[[], Any]
    state_bytes: Callable[[], dict[str, int]]
    forward_loss: Callable[[], Tensor] | None = None  # of a training step, for what its forward keeps
    fixed: Callable[[], Iterable[Tensor]] = tuple  # tensors that exist before the call


def make_workload(config: ModelConfig, setting: Setting) -> Workload:
    """Build the network and what it works on, in a process to which the setting's runtime was applied.

    Raises ValueError where the setting makes no sense for the network.
    """
    setting.check(config)
    keep_freed_memory()  # as a cell does
    model = _network(config, setting)
    return {"forward": _forward, "train": _train, "sample": _sample}[setting.mode](model, config, setting)


def _network(config: ModelConfig, setting: Setting) -> nn.Module:
    model = prepare_network(build(config, device=setting.device), setting.runtime)
    if setting.channels_last:
        model = model.to(memory_format=torch.channels_last)
    if setting.mode == "train":
        return model  # its `TrainState` compiles
    return compiled(model.eval()) if setting.compile else model.eval()


def _images(x: Tensor, setting: Setting) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if setting.channels_last else x


def _forward(model: nn.Module, config: ModelConfig, setting: Setting) -> Workload:
    x, *rest = example_inputs(config, batch_size=setting.batch_size, device=setting.device)
    inputs = [_images(x, setting), *rest]

    @torch.inference_mode()
    def call() -> Tensor:
        with setting.autocast():
            out: Tensor = model(*inputs)
            return out

    return Workload(call=_graphed(call) if setting.cuda_graphs else call, state_bytes=lambda: _model_bytes(model))


def _sample(model: nn.Module, config: ModelConfig, setting: Setting) -> Workload:
    """All of `bench.sampling`: noise, evaluations, conversion to uint8 and the way back to the CPU."""
    x, _, y, context = example_inputs(config, batch_size=setting.batch_size, device=setting.device)
    shape = (config.channels, config.image_size, config.image_size)

    def eager(x: Tensor, timesteps: Tensor) -> Tensor:
        with setting.autocast():  # a CUDA graph is captured before the call
            out: Tensor = model(_images(x, setting), timesteps, y, context)
            return out

    network = _graphed_network(eager, x) if setting.cuda_graphs else eager

    def call() -> Tensor:
        with setting.autocast():  # as the runtime's own, around all evaluations; float16 too
            return sample_images(
                network,  # type: ignore[arg-type]  # only ever called
                count=setting.batch_size,
                shape=shape,
                seed=0,
                sampler=setting.sampler,
                nfe=setting.nfe,
                runtime=replace(setting.runtime, precision="float32"),
                batch_size=setting.batch_size,
            )

    return Workload(call=call, state_bytes=lambda: _model_bytes(model))


def _train(model: nn.Module, config: ModelConfig, setting: Setting) -> Workload:
    network = _data_parallel(model, setting)
    state = TrainState(network, TrainingConfig(batch_size=setting.batch_size), setting.runtime)
    x, _, y, _ = example_inputs(config, batch_size=setting.batch_size, device=setting.device)
    condition = {} if y is None else {"y": y}
    x0 = _images(x.clamp(-1, 1), setting)
    noise, t = torch.randn_like(x0), torch.linspace(0.001, 1.0, setting.batch_size, device=setting.device)

    def call() -> Tensor:
        loss = state.train_step(x0, t, noise, **condition)
        if setting.cuda_graphs and not state.runtime.cuda_graphs:
            raise RuntimeError("this training step cannot be a CUDA graph")
        if state.micro_batch < setting.batch_size:  # training would go on with smaller pieces; that is another figure
            raise torch.OutOfMemoryError(f"does not fit at once; it would train in pieces of {state.micro_batch}")
        return loss

    def fixed() -> Iterable[Tensor]:
        return [*model.parameters(), *model.buffers(), x0, t, noise, *condition.values()]

    alone = setting.world_size == 1 and not setting.compile
    return Workload(
        call=call,
        state_bytes=lambda: _train_bytes(model, state),
        forward_loss=(lambda: state.loss(x0, t, noise, **condition)) if alone else None,
        fixed=fixed,
    )


def _data_parallel(model: nn.Module, setting: Setting) -> nn.Module:
    if setting.world_size == 1:
        return model
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(model, device_ids=[setting.device] if setting.device_type == "cuda" else None)


def _bytes(tensors: Iterable[Tensor | None]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors if tensor is not None)


def _model_bytes(model: nn.Module) -> dict[str, int]:
    return {"parameters": _bytes(model.parameters()), "buffers": _bytes(model.buffers())}


def _train_bytes(model: nn.Module, state: TrainState) -> dict[str, int]:
    held = [value for values in state.optimizer.state.values() for value in values.values()]
    return _model_bytes(model) | {
        "gradients": _bytes(parameter.grad for parameter in model.parameters()),
        "optimizer": _bytes(value for value in held if isinstance(value, Tensor)),
        "ema": _bytes(state.ema.averages.values()),
    }


def _graphed(call: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """``call`` captured once; each replay works on the same memory, so its result is overwritten by the next."""
    warm_up(call)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = call()

    def replay() -> Tensor:
        graph.replay()
        return out

    return replay


def _graphed_network(network: Callable[[Tensor, Tensor], Tensor], x: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """``network`` captured for x's shape (B, C, H, W); the sampler's tensors are copied in and out."""
    held_x, held_t = torch.empty_like(x), torch.ones(len(x), device=x.device)
    with torch.inference_mode():
        replay = _graphed(lambda: network(held_x, held_t))

    def graphed(x: Tensor, timesteps: Tensor) -> Tensor:
        held_x.copy_(x)
        held_t.copy_(timesteps)
        return replay().clone()

    return graphed
