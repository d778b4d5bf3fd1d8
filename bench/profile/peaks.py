"""How fast a device could multiply: its data sheet's dense peak, or a matrix product on the spot."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.profile.setting import DTYPES

_H100 = "NVIDIA H100 Tensor Core GPU Architecture white paper"
_H200 = "NVIDIA H200 data sheet: the H100 SXM's processor"
_DATA_SHEETS = "nvidia.com/content/dam/en-zz/Solutions/Data-Center"
_A100 = f"NVIDIA A100 Tensor Core GPU data sheet ({_DATA_SHEETS}/a100/pdf/nvidia-a100-datasheet.pdf)"
_V100 = "NVIDIA V100 Tensor Core GPU data sheet"
_T4 = f"NVIDIA T4 Tensor Core GPU data sheet ({_DATA_SHEETS}/tesla-t4/t4-tensor-core-datasheet-951643.pdf)"
_L4 = "NVIDIA L4 data sheet (resources.nvidia.com/en-us-data-center-overview/l4-gpu-datasheet): half of 242 when sparse"
_L40S = "NVIDIA L40S GPU data sheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Dense FLOPs a second of one device in one dtype, and who says so."""

    flops_per_s: float
    source: str


# Dense TFLOP/s by the exact name that the driver gives: a slice of a card (MIG) has another name, and no MFU. float32
# is without tensor cores, as the suite computes it; float16 and bfloat16 accumulate in float32. A device without an
# entry has no MFU rather than a guess.
# fmt: off
_TABLE: list[tuple[str, float, float | None, float, str]] = [
    # driver's name            float32  bfloat16  float16  source
    ("NVIDIA H200",              66.9,    989.4,   989.4,  _H200),
    ("NVIDIA H100 80GB HBM3",    66.9,    989.4,   989.4,  _H100),
    ("NVIDIA H100 PCIe",         51.2,    756.0,   756.0,  _H100),
    ("NVIDIA A100-SXM4-80GB",    19.5,    312.0,   312.0,  _A100),
    ("NVIDIA A100-SXM4-40GB",    19.5,    312.0,   312.0,  _A100),
    ("NVIDIA A100-PCIE-40GB",    19.5,    312.0,   312.0,  _A100),
    ("NVIDIA A100 80GB PCIe",    19.5,    312.0,   312.0,  _A100),
    ("NVIDIA L40S",              91.6,   362.05,  362.05,  _L40S),
    ("NVIDIA L4",                30.3,    121.0,   121.0,  _L4),
    ("Tesla V100-SXM2-16GB",     15.7,     None,   125.0,  _V100),
    ("Tesla V100-SXM2-32GB",     15.7,     None,   125.0,  _V100),
    ("Tesla T4",                  8.1,     None,    65.0,  _T4),
]
# fmt: on


def known_peak(device_name: str, dtype: str) -> Peak | None:
    """The data sheet's dense peak; None for a device or dtype that the table lacks."""
    for name, *tflops, source in _TABLE:
        found = dict(zip(DTYPES, tflops, strict=True)).get(dtype)
        if name == device_name and isinstance(found, float):
            return Peak(flops_per_s=found * 1e12, source=str(source))
    return None


def measured_peak(device: str, dtype: str, *, seconds: float = 1.0) -> Peak:
    """What a square matrix product reaches here and now: the fastest of several, for about ``seconds``."""
    import torch

    from bench.profile.timing import Clock
    from bench.profile.world import World

    size = 8192 if device.startswith("cuda") else 1024
    a, b = (torch.randn(size, size, device=device, dtype=getattr(torch, dtype)) for _ in range(2))
    clock, times = Clock(device, World()), list[float]()
    end = time.monotonic() + seconds
    while len(times) < 3 or time.monotonic() < end:
        times.append(clock.seconds(lambda: a @ b))
    threads = f", {torch.get_num_threads()} threads" if device == "cpu" else ""
    return Peak(flops_per_s=2 * size**3 / min(times), source=f"{size}×{size} {dtype} product measured here{threads}")
