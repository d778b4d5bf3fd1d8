"""Peak memory and kept activations, on tensors whose sizes are known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bench.profile.memory import PeakMeter, available_bytes, kept_bytes

linux = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel's counters of Linux")


@linux
def test_the_meter_sees_a_peak_that_is_gone_and_starts_anew() -> None:
    meter = PeakMeter("cpu")
    torch.ones(64 * 2**18).sum()  # 64 MiB, freed at once
    found = meter.read()
    assert found["peak_rss_growth"] is not None
    assert 60 * 2**20 < found["peak_rss_growth"] < 90 * 2**20
    assert found["peak_allocated"] is None
    second = PeakMeter("cpu").read()["peak_rss_growth"]
    assert second is not None
    assert second < 8 * 2**20


@linux
def test_free_memory_is_told() -> None:
    free = available_bytes("cpu")
    assert free is not None
    assert 2**20 < free < 2**50


def test_what_a_forward_keeps_is_counted_on_tensors() -> None:
    x, weight = torch.ones(100, 8), torch.ones(8, 4, requires_grad=True)

    def forward() -> Tensor:
        hidden = x @ weight  # (100, 4), kept by the exponential as its result
        return hidden.exp().sum()

    assert kept_bytes(forward, [x, weight]) == 100 * 4 * 4 + 4  # the exponential's result, and the sum


def test_fixed_tensors_and_their_views_are_not_counted() -> None:
    x = torch.ones(64, 64, requires_grad=True)
    assert kept_bytes(lambda: (x.t() * 1.0).sum(), [x]) == 4
    assert kept_bytes(lambda: (x.t() * 1.0).sum(), []) == 4 + 64 * 64 * 4


def test_checkpointing_keeps_the_inputs_of_its_blocks_alone() -> None:
    block = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh())
    x = torch.ones(32, 16)
    plain = kept_bytes(lambda: block(x).sum(), [x, *block.parameters()])
    checkpointed = kept_bytes(lambda: checkpoint(block, x, use_reentrant=False).sum(), [x, *block.parameters()])
    assert plain >= 2 * 32 * 16 * 4
    assert checkpointed == 4
