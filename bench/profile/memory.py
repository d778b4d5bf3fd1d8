"""Peak memory of a workload, and what a training step's forward keeps for its backward.

On a CUDA GPU the allocator is asked (allocated and reserved); on Linux the kernel is asked for the peak resident size,
which is reset first. Elsewhere the figures are None.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.machine.allocator import give_back_freed_memory

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMeter:
    """Peak memory from `__init__` to `read`, above what the process held before."""

    def __init__(self, device: str) -> None:
        self.device, self.cuda = device, device.startswith("cuda")
        if self.cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
            self._before = (torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device))
        give_back_freed_memory()
        self._rss_before = _resident("VmRSS") if _reset_peak() else None

    def read(self) -> dict[str, int | None]:
        """In bytes: ``peak_allocated`` and ``peak_reserved`` of a GPU, ``peak_rss`` of the process and its growth.

        All but ``peak_rss`` count from what there was when the meter started.
        """
        peak = None if self._rss_before is None else _resident("VmHWM")
        grown = None if peak is None or self._rss_before is None else max(0, peak - self._rss_before)
        found: dict[str, int | None] = {"peak_rss": peak, "peak_rss_growth": grown}
        if not self.cuda:
            return found | {"peak_allocated": None, "peak_reserved": None}
        allocated, reserved = self._before
        return found | {
            "peak_allocated": torch.cuda.max_memory_allocated(self.device) - allocated,
            "peak_reserved": torch.cuda.max_memory_reserved(self.device) - reserved,
        }


def available_bytes(device: str) -> int | None:
    """Memory that a workload may still take, as the driver or the kernel says; None where neither does."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _reset_peak() -> bool:
    try:
        _RESET.write_text("5")  # proc(5): the peak becomes the present size
    except OSError:
        return False
    return True


def _resident(field: str) -> int | None:
    found = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def kept_bytes(forward: Callable[[], Tensor], fixed: Iterable[Tensor]) -> int:
    """Bytes that are alive after ``forward`` beside ``fixed``: the activations that a backward would need.

    Counted on tensors, so the same on every device; a kernel's own workspace is not in it.
    """
    with _Living(fixed) as living:
        loss = forward()
    kept = living.total
    del loss
    return kept


class _Living(TorchDispatchMode):
    """The sizes of the storages that operators made and that are still in use."""

    def __init__(self, fixed: Iterable[Tensor]) -> None:
        super().__init__()
        self._fixed = {tensor.untyped_storage()._cdata for tensor in fixed}
        self._sizes: dict[int, int] = {}
        self._watched: dict[int, Any] = {}

    @property
    def total(self) -> int:
        return sum(self._sizes.values())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in tree_leaves(out):
            if isinstance(value, Tensor):
                self._watch(value.untyped_storage())
        return out

    def _watch(self, storage: Any) -> None:
        key = storage._cdata
        if key in self._fixed or key in self._sizes:
            return
        self._sizes[key] = storage.nbytes()
        self._watched[key] = weakref.ref(storage, lambda _: self._forget(key))

    def _forget(self, key: int) -> None:
        self._sizes.pop(key, None)
        self._watched.pop(key, None)
