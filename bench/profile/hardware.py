"""What the device did during a measurement: clocks, temperature, power, throttling and energy, as NVML tells.

Without an NVIDIA GPU, without nvidia-ml-py, or where the driver keeps a counter to itself, the field is None.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

INTERVAL_S = 0.2

# The bits of NVML's clock event reasons that mean slower than asked for; idle, user-set clocks and the like are none.
_THROTTLES = {
    "nvmlClocksEventReasonSwPowerCap": "power cap",
    "nvmlClocksThrottleReasonHwSlowdown": "hardware slowdown",
    "nvmlClocksEventReasonSwThermalSlowdown": "thermal (software)",
    "nvmlClocksThrottleReasonHwThermalSlowdown": "thermal (hardware)",
    "nvmlClocksThrottleReasonHwPowerBrakeSlowdown": "power brake",
}


class Gpu:
    """One GPU as NVML knows it, found by the UUID that torch gives, so that CUDA_VISIBLE_DEVICES does not mislead."""

    def __init__(self, device: str) -> None:
        import pynvml
        import torch

        self._nvml = pynvml
        pynvml.nvmlInit()
        self._handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")

    def _ask(self, name: str, *arguments: Any) -> Any:
        """NVML's answer, or None where this card or driver has none."""
        try:
            return getattr(self._nvml, name)(self._handle, *arguments)
        except (self._nvml.NVMLError, AttributeError):
            return None

    def sample(self) -> dict[str, float | None]:
        """Clocks in MHz, temperature in °C, power in W, and the bits of the clock event reasons, at this moment."""
        power = self._ask("nvmlDeviceGetPowerUsage")
        return {
            "sm_clock_mhz": self._ask("nvmlDeviceGetClockInfo", self._nvml.NVML_CLOCK_SM),
            "memory_clock_mhz": self._ask("nvmlDeviceGetClockInfo", self._nvml.NVML_CLOCK_MEM),
            "temperature_c": self._ask("nvmlDeviceGetTemperature", self._nvml.NVML_TEMPERATURE_GPU),
            "power_w": None if power is None else power / 1e3,
            "reasons": self._ask("nvmlDeviceGetCurrentClocksThrottleReasons"),
        }

    def energy_j(self) -> float | None:
        """Joules since the driver was loaded."""
        energy = self._ask("nvmlDeviceGetTotalEnergyConsumption")
        return None if energy is None else energy / 1e3

    def limits(self) -> dict[str, Any]:
        """What bounds the card: its highest SM clock, its power limit, and the driver."""
        power = self._ask("nvmlDeviceGetEnforcedPowerLimit")
        try:
            driver = self._nvml.nvmlSystemGetDriverVersion()
        except self._nvml.NVMLError:
            driver = None
        return {
            "max_sm_clock_mhz": self._ask("nvmlDeviceGetMaxClockInfo", self._nvml.NVML_CLOCK_SM),
            "power_limit_w": None if power is None else power / 1e3,
            "driver": driver,
        }

    def throttles(self, reasons: int) -> list[str]:
        """The names of the throttling bits in ``reasons``."""
        return [text for name, text in _THROTTLES.items() if reasons & getattr(self._nvml, name, 0)]


def find_gpu(device: str) -> Gpu | None:
    """The GPU behind a torch device; None for another device, without nvidia-ml-py or without a driver."""
    if not device.startswith("cuda"):
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        return Gpu(device)
    except (pynvml.NVMLError, AttributeError):
        return None


class Monitor:
    """Samples a GPU in the background while the block runs; without one it does nothing."""

    def __init__(self, gpu: Gpu | None) -> None:
        self._gpu, self._samples = gpu, list[dict[str, float | None]]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        if self._gpu is not None:
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        if self._gpu is not None:
            self._thread.join()

    def _watch(self) -> None:
        assert self._gpu is not None
        while not self._stop.is_set():
            self._samples.append(self._gpu.sample())
            self._stop.wait(INTERVAL_S)

    def summary(self) -> dict[str, Any]:
        """JSON-able: least and greatest of each figure, every throttle reason seen, and the card's limits."""
        found: dict[str, Any] = {name: _range(self._samples, name) for name in _FIGURES}
        if self._gpu is None:
            return found | {"throttled": None, "samples": 0, "max_sm_clock_mhz": None, "power_limit_w": None}
        reasons = [int(sample["reasons"]) for sample in self._samples if sample["reasons"] is not None]
        seen = 0
        for bits in reasons:
            seen |= bits
        throttled = self._gpu.throttles(seen) if reasons else None
        return found | {"throttled": throttled, "samples": len(self._samples)} | self._gpu.limits()


_FIGURES = ("sm_clock_mhz", "memory_clock_mhz", "temperature_c", "power_w")


def _range(samples: list[dict[str, float | None]], name: str) -> dict[str, float] | None:
    values = [value for sample in samples if (value := sample[name]) is not None]
    return {"min": min(values), "max": max(values)} if values else None


def energy_of(gpu: Gpu | None, work: Callable[[], None]) -> float | None:
    """Joules that the whole card took while ``work`` ran; None without a counter. ``work`` ends synchronised."""
    before = gpu.energy_j() if gpu else None
    work()
    after = gpu.energy_j() if gpu else None
    return None if before is None or after is None else after - before
