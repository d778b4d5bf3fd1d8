"""Headers as tests need them: everything that is asked for, nothing that is not."""

from __future__ import annotations

from typing import Any

from bench.checkpoints.header import Header
from variants import resolve


def header(*, variant: str = "uvit-micro/4", image_size: int = 16, **more: Any) -> Header:
    """A header of ``variant`` on colour images; ``more`` are its other fields."""
    model = resolve(variant, image_size=image_size, channels=3).identity()
    known: dict[str, Any] = {"model": model, "train_id": "0" * 16, "step": 0, "channels": 3, "seed": 0}
    return Header(variant=variant, image_size=image_size, **(known | more))
