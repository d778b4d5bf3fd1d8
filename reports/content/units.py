"""Measured costs as text: images a second and bytes."""

from __future__ import annotations

_GIB = 2**30


def rate(images_per_s: float | None) -> str:
    """Images a second with three digits, or all before the point."""
    if images_per_s is None:
        return "–"
    return f"{images_per_s:,.0f}" if images_per_s >= 100 else f"{images_per_s:.3g}"


def size(count: int | None) -> str:
    """Bytes as ``17.3 GiB`` or ``5.2 MiB``."""
    if count is None:
        return "–"
    return f"{count / _GIB:.2f} GiB" if count >= _GIB else f"{count / 2**20:.1f} MiB"


def drawn(value: float) -> float:
    """Six digits, which no screen tells from more."""
    return float(f"{value:.6g}")
