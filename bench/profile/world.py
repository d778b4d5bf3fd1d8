"""The processes that measure together under torchrun, one a device; a lone process is a world of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """This process's place. The methods do nothing to a lone process."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    def barrier(self) -> None:
        """Wait for all."""
        if self.size > 1:
            import torch.distributed as dist

            dist.barrier()

    def slowest(self, seconds: float) -> float:
        """The longest of all processes' seconds."""
        return self._largest(seconds)

    def any(self, happened: bool) -> bool:
        """Whether it happened to at least one process."""
        return bool(self._largest(float(happened)))

    def _largest(self, number: float) -> float:
        if self.size == 1:
            return number
        import torch
        import torch.distributed as dist

        shared = torch.tensor(number, dtype=torch.float64, device=self.device)
        dist.all_reduce(shared, op=dist.ReduceOp.MAX)
        return float(shared)


@contextmanager
def world(device: str) -> Iterator[World]:
    """The world that torchrun describes in the environment, joined and left again; gloo on a CPU, nccl on GPUs."""
    size, rank, local = (int(os.environ.get(name, default)) for name, default in _PLACES)
    if size == 1:
        yield World(device=device)
        return
    import torch
    import torch.distributed as dist

    cuda = device.startswith("cuda")
    if cuda:
        device = f"cuda:{local}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield World(rank=rank, size=size, device=device)
    finally:
        dist.destroy_process_group()


_PLACES = (("WORLD_SIZE", "1"), ("RANK", "0"), ("LOCAL_RANK", "0"))
