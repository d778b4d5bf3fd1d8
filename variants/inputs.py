"""What every network takes, and checks.

B batch, C channels, H height, W width, T context tokens, E features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from variants.config import ModelConfig


def check_inputs(
    config: ModelConfig, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None
) -> None:
    """Raise ValueError unless x (B, C, H, W), timesteps (B,), y (B,) and context (B, T, E) are what ``config`` takes.

    Labels are checked against their range on the CPU only, so as never to wait for a GPU.
    """
    batch, side = x.shape[0], config.image_size
    _expect("x", x, (batch, config.channels, side, side))
    _expect("timesteps", timesteps, (batch,))
    _expect_given("labels y", y, config.num_classes, (batch,))
    _expect_given("context", context, config.context_tokens, (batch, config.context_tokens, config.context_dim))
    if y is not None and y.device.type == "cpu" and not torch.compiler.is_compiling():
        _check_labels(y, config.label_rows)


def _expect(name: str, value: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(value.shape) != shape:
        raise ValueError(f"{name} should have shape {shape}; got {tuple(value.shape)}")


def _expect_given(name: str, value: Tensor | None, wanted: int, shape: tuple[int, ...]) -> None:
    if wanted and value is None:
        raise ValueError(f"this network is conditional: pass {name} of shape {shape}")
    if not wanted and value is not None:
        raise ValueError(f"this network takes no {name}; leave it out, or build it with num_classes or context_tokens")
    if value is not None:
        _expect(name, value, shape)


def _check_labels(y: Tensor, rows: int) -> None:
    if y.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"labels y should be int64; got {y.dtype}")
    if y.numel() and (int(y.min()) < 0 or int(y.max()) >= rows):
        raise ValueError(f"labels y should lie in 0…{rows - 1}; got {int(y.min())}…{int(y.max())}")


def example_inputs(
    config: ModelConfig, *, batch_size: int, device: torch.device | str
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """x, timesteps, y, context as the network's ``forward`` takes them; y and context are None where it takes none.

    Shapes: x (B, C, H, W), timesteps (B,), y (B,), context (B, T, E), with B = ``batch_size``.
    """
    side = config.image_size
    x = torch.randn(batch_size, config.channels, side, side, device=device)
    timesteps = torch.linspace(1.0, 999.0, batch_size, device=device)
    y = torch.zeros(batch_size, dtype=torch.long, device=device) if config.num_classes else None
    if not config.context_tokens:
        return x, timesteps, y, None
    return x, timesteps, y, torch.randn(batch_size, config.context_tokens, config.context_dim, device=device)
