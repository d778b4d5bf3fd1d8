"""Peaks have a source or are absent; counters that a machine lacks are None."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch

from bench.profile.hardware import Gpu, Monitor, energy_of, find_gpu
from bench.profile.peaks import known_peak, measured_peak
from bench.profile.timing import Clock


def test_a_known_card_has_the_dense_peak_and_its_source() -> None:
    peak = known_peak("NVIDIA H100 80GB HBM3", "bfloat16")
    assert peak is not None
    assert peak.flops_per_s == 989.4e12
    assert "H100" in peak.source
    fp32 = known_peak("NVIDIA A100-SXM4-40GB", "float32")
    assert fp32 is not None
    assert fp32.flops_per_s == 19.5e12


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("AMD EPYC", "float32"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "bfloat16"),
        ("Tesla V100-SXM2-16GB", "bfloat16"),
        ("NVIDIA H100 80GB HBM3", "float8"),
    ],
)
def test_what_the_table_lacks_has_no_peak(name: str, dtype: str) -> None:
    assert known_peak(name, dtype) is None


def test_a_peak_is_measured_on_the_spot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fastest of the products counts, each of 2·1024³ FLOPs; the seconds are planted."""
    seconds, products = iter([0.5, 0.25, 1.0]), list[torch.Tensor]()

    def timed(self: Clock, call: Callable[[], torch.Tensor], calls: int = 1) -> float:
        products.append(call())
        return next(seconds)

    monkeypatch.setattr(Clock, "seconds", timed)
    peak = measured_peak("cpu", "float32", seconds=0.0)
    assert peak.flops_per_s == 2 * 1024**3 / 0.25
    assert [(tuple(product.shape), product.dtype) for product in products] == [((1024, 1024), torch.float32)] * 3
    assert peak.source == f"1024×1024 float32 product measured here, {torch.get_num_threads()} threads"


def test_without_a_gpu_every_counter_is_none() -> None:
    assert find_gpu("cpu") is None
    with Monitor(None) as monitor:
        pass
    summary = monitor.summary()
    assert summary.pop("samples") == 0
    assert set(summary.values()) == {None}
    assert energy_of(None, lambda: None) is None


class Card(Gpu):
    """A card with planted answers: no test machine has one. The names of the throttle bits are NVML's own."""

    def __init__(self) -> None:
        self._nvml = pytest.importorskip("pynvml")
        self.clock, self.joules, self.seen_thrice = 1000, 50.0, threading.Event()

    def sample(self) -> dict[str, float | None]:
        self.clock += 10
        if self.clock == 1030:
            self.seen_thrice.set()
        reasons = self._nvml.nvmlClocksEventReasonSwPowerCap if self.clock == 1020 else 1  # 1: idle
        return {
            "sm_clock_mhz": self.clock,
            "memory_clock_mhz": 2619,
            "temperature_c": None,
            "power_w": 600.5,
            "reasons": reasons,
        }

    def energy_j(self) -> float | None:
        self.joules += 7
        return self.joules

    def limits(self) -> dict[str, float | None]:
        return {"max_sm_clock_mhz": 1980, "power_limit_w": 700.0, "driver": None}


def test_a_gpu_is_sampled_while_the_block_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.profile.hardware.INTERVAL_S", 0.005)
    card = Card()
    with Monitor(card) as monitor:
        assert card.seen_thrice.wait(60)
    summary = monitor.summary()
    assert summary["samples"] >= 3
    assert summary["sm_clock_mhz"] == {"min": 1010, "max": 1000 + 10 * summary["samples"]}
    assert summary["power_w"] == {"min": 600.5, "max": 600.5}
    assert summary["temperature_c"] is None
    assert summary["throttled"] == ["power cap"]
    assert summary["power_limit_w"] == 700.0


def test_energy_is_a_difference_of_the_counter() -> None:
    assert energy_of(Card(), lambda: None) == 7
