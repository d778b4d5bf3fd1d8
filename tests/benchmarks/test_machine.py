"""The machine that the other figures were measured on: what a matrix product and a copy reach with two threads."""

from __future__ import annotations

import pytest

from tests.benchmarks.conftest import Note
from tests.benchmarks.machine import COPIED, DTYPES, copy_bandwidth, product_peak

pytestmark = pytest.mark.bench


@pytest.mark.parametrize("dtype", DTYPES)
def test_matrix_product_peak(dtype: str, note: Note) -> None:
    peak = product_peak(dtype)
    note(f"matrix-product peak, {dtype}", peak.flops_per_s / 1e9, unit="GFLOP/s", detail=peak.source)


def test_memory_bandwidth(note: Note) -> None:
    detail = f"copies of {COPIED // 2**20} MiB, read and written bytes together"
    note("memory bandwidth, copy", copy_bandwidth() / 1e9, unit="GB/s", detail=detail)
