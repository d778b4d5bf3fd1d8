"""What is measured: a subject (a variant on its images) in a setting (mode, device, numbers, batch and switches)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.machine.attention_kernel import with_measured_attention
from bench.machine.compilation import check_compiler
from bench.machine.runtime import Runtime, usual_attention

if TYPE_CHECKING:
    import torch

    from bench.config import Precision
    from variants.config import ModelConfig

DTYPES = ("float32", "bfloat16", "float16")
SWITCHES = ("compile", "channels_last", "cuda_graphs", "gradient_checkpointing")  # fields of `Setting`


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A variant, by its canonical text, resolved on its images."""

    variant: str
    config: ModelConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a subject runs. ``batch_size`` is of one device; sampler and nfe are empty outside mode ``sample``."""

    mode: str
    device: str = "cpu"
    dtype: str = "float32"  # of the products, by autocast over float32 weights, as in training and sampling
    batch_size: int = 1
    attention: str = ""  # empty: the kernel that is faster for the network here (`for_network`)
    compile: bool = False
    channels_last: bool = False
    cuda_graphs: bool = False
    gradient_checkpointing: bool = False
    sampler: str = ""
    nfe: int = 0
    threads: int = 1
    world_size: int = 1

    @property
    def device_type(self) -> str:
        return self.device.partition(":")[0]

    @property
    def switches(self) -> list[str]:
        """The switches that are on, by name."""
        return [name for name in SWITCHES if getattr(self, name)]

    def identity(self) -> dict[str, Any]:
        """JSON-able: what a user chose; the device without its index, for the cards of one machine are alike."""
        chosen = {name: value for name, value in asdict(self).items() if name != "attention"}
        return chosen | {"device": self.device_type}

    def for_network(self, config: ModelConfig) -> Setting:
        """This setting with the attention kernel that the suite takes for the network on this machine."""
        if self.attention:
            return self
        runtime = with_measured_attention(self.runtime, [config], training=self.mode == "train")
        return replace(self, attention=str(runtime.attention))

    @property
    def runtime(self) -> Runtime:
        """The suite's runtime; float16, which the suite does not train in, takes what bfloat16 takes."""
        precision: Precision = "float32" if self.dtype == "float32" else "bfloat16"
        return Runtime(
            device=self.device,
            precision=precision,
            attention=self.attention or usual_attention(self.device, precision),
            threads=self.threads,
            compile=self.compile,
            gradient_checkpointing=self.gradient_checkpointing,
            cuda_graphs=self.cuda_graphs and self.mode == "train",
        )

    def autocast(self) -> Any:
        """A context that computes in the setting's dtype."""
        import torch

        dtype: torch.dtype = getattr(torch, self.dtype)
        return torch.autocast(self.device_type, dtype=dtype, enabled=self.dtype != "float32")

    def check(self, config: ModelConfig) -> None:
        """Raise ValueError, with the reason, where this network cannot run in this setting."""
        if self.cuda_graphs and self.device_type != "cuda":
            raise ValueError(f"CUDA graphs need a CUDA GPU; this ran on {self.device_type}")
        if self.compile:
            check_compiler(self.device)
        if self.mode != "train":
            return
        if self.dtype == "float16":
            raise ValueError("training in float16 needs loss scaling, which uvit does not do: use bfloat16")
        if self.cuda_graphs and self.world_size > 1:
            raise ValueError("data-parallel training is no CUDA graph: profile one process, or leave --cuda-graphs out")
        if config.context_tokens:
            raise ValueError("uvit's training step takes no context tokens yet: profile forward or sample")


def device_name(device: str) -> str:
    """The model of the device, as its driver or the system names it."""
    import torch

    from results.provenance import cpu_model

    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    return device if device == "meta" else cpu_model() or "unknown processor"


def all_settings(
    *,
    modes: list[str],
    dtypes: list[str],
    batch_sizes: list[int],
    switches: list[str],
    sampler: str,
    nfe: int,
    base: Setting,
) -> list[Setting]:
    """Every mode × dtype × batch size, plain and then with each switch alone, where the mode has a use for it.

    ``base`` gives device, threads and world size.
    """
    found: list[Setting] = []
    for mode in modes:
        drawn = {"sampler": sampler, "nfe": nfe} if mode == "sample" else {}
        for dtype in dtypes:
            make = partial(replace, base, mode=mode, dtype=dtype, **drawn)
            for batch_size in batch_sizes:
                found.append(make(batch_size=batch_size))
                found += [make(batch_size=batch_size, **{name: True}) for name in switches if _applies(name, mode)]
    return found


def _applies(switch: str, mode: str) -> bool:
    return mode == "train" or switch != "gradient_checkpointing"
