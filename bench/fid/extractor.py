"""What turns images into features. One file in ``extractors/`` is one network, found by scanning that folder.

Features are always computed in float32 whatever the cell trains in: bfloat16 features differ by several percent.
``B`` images, ``C`` channels, ``H x W`` pixels, ``d`` features.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bench.machine.allocator import reused_memory
from variants.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Extractor:
    """A feature network on a device.

    Calling it with uint8 images (B, C, H, W), C = 1 (repeated) or 3, gives float32 features (B, ``dim``) on ``device``.
    ``card`` is JSON-able and has ``extractor``, ``weights_sha256``, ``resize`` and ``card_version``, which changes
    whenever the same weights would give other features.
    """

    name: str
    dim: int
    device: str
    batch_size: int
    card: dict[str, Any] = field(repr=False)
    network: Callable[[Tensor], Tensor] = field(repr=False)

    def __call__(self, images: Tensor) -> Tensor:
        """Raises ValueError unless ``images`` are uint8 (B, 1 or 3, H, W)."""
        import torch

        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(
                f"extractor {self.name} takes uint8 images (B, 1 or 3, H, W), got {images.dtype} {tuple(images.shape)}"
            )
        images = images.to(self.device, non_blocking=True)
        if images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        with torch.inference_mode(), full_float32(self.device):
            return self.network(images).float()


class Build(Protocol):
    """Builds an extractor; raises ValueError where the weights are missing or wrong."""

    def __call__(self, *, device: str, weights: Path | None, allow_download: bool) -> Extractor: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorSource:
    """A registered extractor before it is built: listing it imports no torch."""

    name: str
    description: str
    dim: int
    build: Build


def _scan() -> None:
    from bench.fid import extractors

    for module in sorted(iter_modules(extractors.__path__), key=lambda module: module.name):
        import_module(f"{extractors.__name__}.{module.name}")


EXTRACTORS: Registry[ExtractorSource] = Registry("extractor", discover=(_scan,))


def load_extractor(
    name: str, *, device: str = "cpu", weights: Path | None = None, allow_download: bool = True
) -> Extractor:
    """The extractor ``name`` on ``device``, its weights from ``weights``, a known place or a download.

    Raises ValueError for an unknown name and for weights that are missing, damaged or of another network.
    """
    return EXTRACTORS.get(name).build(device=device, weights=weights, allow_download=allow_download)


def extract(
    extractor: Extractor, images: Any, *, progress: Callable[[int], None] = lambda done: None
) -> Iterator[np.ndarray]:
    """Features of ``images`` (uint8 (N, C, H, W), numpy or torch), float32 (b, d) on the CPU, a batch at a time."""
    import torch

    with reused_memory():
        for first in range(0, len(images), extractor.batch_size):
            rows = images[first : first + extractor.batch_size]
            batch = rows if isinstance(rows, torch.Tensor) else torch.from_numpy(np.array(rows))
            yield extractor(batch).cpu().numpy()
            progress(min(first + extractor.batch_size, len(images)))


@contextlib.contextmanager
def full_float32(device: str) -> Iterator[None]:
    """No autocast and no TF32: a cell that trains in bfloat16 is scored with the same features as any other."""
    import torch

    kind = torch.device(device).type
    precision = torch.get_float32_matmul_precision()
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.autocast(kind, enabled=False))
        if kind == "cuda":
            stack.enter_context(
                torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
            )
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(precision)
