"""These tests compare a CUDA GPU with the CPU; without one they skip. The ratios' table is the benchmarks' own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.benchmarks.conftest import note, pytest_terminal_summary

__all__ = ["note", "pytest_terminal_summary"]


@pytest.fixture(autouse=True)
def gpu() -> Iterator[None]:
    """Skip without a GPU; every test starts in full float32 and with an empty allocator."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.cuda.empty_cache()
