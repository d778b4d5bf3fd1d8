"""What this machine could reach, beside what our code does: a matrix product's peak, memory's bandwidth, and MFU."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from bench.profile.macs import TRAINING_FACTOR, count
from bench.profile.peaks import Peak, measured_peak
from bench.profile.timing import Clock
from bench.profile.world import World

if TYPE_CHECKING:
    from variants.config import ModelConfig

DTYPES = ("bfloat16", "float32")
COPIED = 256 * 1024**2  # bytes: more than any cache holds
COPIES = 20


@lru_cache
def product_peak(dtype: str) -> Peak:
    """The fastest square matrix product in this process, with its threads; float32 as the suite's float32 computes."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        return measured_peak("cpu", dtype)
    finally:
        torch.set_float32_matmul_precision(before)


def copy_bandwidth() -> float:
    """Bytes a second that the fastest of several copies read and wrote, of memory that no cache holds."""
    source, target = (torch.ones(COPIED, dtype=torch.uint8) for _ in range(2))
    clock = Clock("cpu", World())
    return 2 * COPIED / min(clock.seconds(lambda: target.copy_(source)) for _ in range(COPIES))


def step_mfu(config: ModelConfig, *, batch_size: int, seconds: float, peak: Peak) -> float:
    """Model FLOPs utilisation of a training step that takes ``seconds``: 3 forward passes of 2 FLOPs a MAC."""
    return TRAINING_FACTOR * 2 * count(config)[1] * batch_size / seconds / peak.flops_per_s
