"""``--compile``: torch.compile of the training step's network, with compiled code kept between processes and cells."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from bench.files.paths import cache_dir

if TYPE_CHECKING:
    from torch import nn

_SHAPES = 64  # networks of different shape that one process may compile; torch's own limit of 8 would end in eager mode


def check_compiler(device: str) -> None:
    """Raise ValueError where ``device`` has nothing to compile with."""
    kind = device.partition(":")[0]
    if kind == "cpu":
        wanted = os.environ.get("CXX", "g++")
        if shutil.which(wanted) is None:
            raise ValueError(
                f"--compile on a CPU needs a C++ compiler, and {wanted!r} is not here; "
                "install g++, set CXX, or leave the option out"
            )
    elif kind != "cuda":
        raise ValueError(f"--compile works on cpu and cuda, not on {kind}; leave it out")


def use_cache() -> None:
    """Keep compiled code under uvit's cache, unless TORCHINDUCTOR_CACHE_DIR says where; before torch sets its own."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_dir() / "inductor"))


def compiled(network: nn.Module) -> nn.Module:
    """``network`` compiled for fixed shapes; it shares its weights, and what another of the same shape compiled."""
    import torch

    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, _SHAPES)
    torch._dynamo.config.fail_on_recompile_limit_hit = True  # an arm that ran eagerly would be timed as another path
    optimised: nn.Module = torch.compile(  # type: ignore[assignment]
        network,
        dynamic=False,
        options={"cpp.enable_floating_point_contract_flag": "fast"},  # a·b + c as one instruction, rounded once
    )
    return optimised
