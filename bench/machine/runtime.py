"""How a grid runs on a machine: device, precision, attention kernel, threads, compilation. Resolved once, for all arms.

None of it is an architectural choice, but all of it moves the last digits (a thread count moved weights by 2e-3 in five
steps), so it is stored with every checkpoint and record and reused when a run resumes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.config import Precision, as_precision
from bench.machine.compilation import check_compiler, use_cache

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where and with which kernels a cell computes."""

    device: str = "cpu"
    precision: Precision = "float32"  # float32 or bfloat16 autocast over float32 master weights
    attention: str | Mapping[str, str] = "fused"  # fused (SDPA) or plain (bmm, softmax, bmm); a grid's: by shape
    threads: int = 1
    compile: bool = False  # torch.compile of the training step's network
    gradient_checkpointing: bool = False  # recompute each block in the backward pass: less memory, more time
    cuda_graphs: bool = False  # replay the training step's forward and backward as one CUDA graph
    halves: bool = False  # a batch's gradient in two halves side by side, each on half of a CPU's cores

    def asdict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Runtime:
        return cls(**{name: values[name] for name in cls.__slots__ if name in values})

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """bfloat16 autocast where the precision asks for it, else nothing."""
        import torch

        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16)

    def casts_kept(self) -> contextlib.AbstractContextManager[Any]:
        """Within the block each weight is cast once, however often `autocast` begins; the casts are held until its end.

        For weights that do not change and without inference mode. Autocast forgets its casts where the outermost one
        ends, so the outermost is one that is off.
        """
        import torch

        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(torch.device(self.device).type, enabled=False)

    def apply(self) -> None:
        """Set this process's GPU, threads, float32 precision (TF32 only beside bfloat16) and compiler cache."""
        import torch

        device = torch.device(self.device)
        if device.type == "cuda" and device.index is not None:
            torch.cuda.set_device(device)  # else streams, pinned memory and autocast would open device 0 as well
        torch.set_num_threads(self.threads)
        torch.set_float32_matmul_precision("highest" if self.precision == "float32" else "high")
        torch.backends.cudnn.allow_tf32 = self.precision != "float32"
        use_cache()


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_limit() -> int:
    """Threads that one process takes unless told: OMP_NUM_THREADS where the user set it, else every core."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(asked), cores()) if asked.isdigit() and int(asked) else cores()


def pick_device(device: str) -> str:
    """``auto`` becomes cuda, mps or cpu; a device that is not here raises ValueError."""
    import torch

    here = ["cpu"]
    if torch.backends.mps.is_available():
        here.insert(0, "mps")
    if torch.cuda.is_available():
        here.insert(0, "cuda")
    if device == "auto":
        return here[0]
    try:
        kind, index = torch.device(device).type, torch.device(device).index
    except RuntimeError:
        kind, index = "", None
    if kind not in here or (kind == "cuda" and index is not None and index >= torch.cuda.device_count()):
        raise ValueError(f"device {device!r} is not on this machine; expected auto or one of: {', '.join(here)}")
    return device


def to_device(tensor: Tensor, device: str) -> Tensor:
    """``tensor``, drawn on the CPU, on ``device``; on a CUDA GPU from pinned memory, so that the host need not wait."""
    if device.startswith("cuda"):
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def fast_precision(device: str) -> Precision:
    """bfloat16 where matrix products run in it natively, else float32."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        with torch.cuda.device(device):
            return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if kind == "cpu":
        have: Mapping[str, Any] = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return "bfloat16" if have.get("avx512_bf16") or have.get("amx_bf16") else "float32"
    return "float32"


def resolve_runtime(
    *,
    device: str = "auto",
    precision: Precision = "auto",
    threads: int = 1,
    compile: bool = False,
    gradient_checkpointing: bool = False,
    cuda_graphs: bool | None = None,
) -> Runtime:
    """The runtime of a grid on this machine, with the usual attention kernel (`attention_kernel` measures them).

    ``cuda_graphs`` None means on a CUDA GPU. Raises ValueError for a device that is not here, for ``compile`` where no
    compiler is, and for CUDA graphs on another device.
    """
    device = pick_device(device)
    if compile:
        check_compiler(device)
    if cuda_graphs and not device.startswith("cuda"):
        raise ValueError(f"--cuda-graphs needs a CUDA GPU, and the device is {device}; leave it out")
    precision = fast_precision(device) if precision == "auto" else precision
    return Runtime(
        device=device,
        precision=precision,
        attention=usual_attention(device, precision),
        threads=threads,
        compile=compile,
        gradient_checkpointing=gradient_checkpointing,
        cuda_graphs=device.startswith("cuda") if cuda_graphs is None else cuda_graphs,
        halves=device.startswith("cpu"),
    )


def usual_attention(device: str, precision: Precision) -> str:
    """The kernel that is faster at most lengths.

    The CPU's fused attention has a bf16 backward that costs up to ten times the plain one at the suite's lengths.
    """
    return "plain" if device.startswith("cpu") and precision == "bfloat16" else "fused"


def applied_runtime(*, device: str, precision: str) -> Runtime:
    """The runtime of a process that does one thing with every thread, and the process set to it (`Runtime.apply`).

    Raises ValueError for a device that is not here and for an unknown precision, as a user writes them.
    """
    asked = as_precision(precision, where="--precision")
    runtime = resolve_runtime(device=device, precision=asked, threads=thread_limit())
    runtime.apply()
    return runtime
