"""The small line under a figure: what its numbers are (rule 5 of docs/design.md), from the card that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports.text import plain
from reports.views.grid import GridView
from results.metrics import Metric


def footer(
    metric: Metric, weights: str, card: Mapping[str, Any], *, seeds: Iterable[int], floor: float | None = None
) -> str:
    """``FD-1K effnet-lite0 of EMA weights · 1,000 samples · … · n = 3 seeds · floor 21.43``.

    ``seeds`` are each arm's numbers of seeds. A ratio names no weights. A sample score without a floor says n/a; other
    scores have none.
    """
    subject = metric.label if metric.ratio else f"{metric.label} of {weights_name(weights)} weights"
    parts = [subject, *_measured(card), seed_count(seeds)]
    if metric.kind in ("frechet", "kernel", "precision", "recall"):
        parts.append(f"floor {'n/a' if floor is None else metric.format(floor)}")
    return plain(" · ".join(part for part in parts if part))


def difference_label(grid: GridView, metric: Metric) -> str:
    """Along an axis of differences from the baseline; of a metric that is a ratio, the ratio."""
    base = plain(grid.baseline.name, limit=24) if len(grid.blocks) == 1 else "the block's"
    if metric.ratio:
        return f"{metric.short}: {metric.detail} ({base})"
    unit = f", {metric.unit}" if metric.unit else ""
    return f"Δ {metric.label}{unit}: arm minus {base}{' baseline' if len(grid.blocks) > 1 else ''}"


def margin_text(metric: Metric, margin: float) -> str:
    """``±0.00600``, and of a ratio ``0.91 to 1.10``."""
    return f"{metric.format(-margin)} to {metric.format(margin)}" if metric.ratio else f"±{metric.format(margin)}"


def weights_name(weights: str) -> str:
    """``EMA`` as it is written, everything else as it is recorded."""
    return "EMA" if weights == "ema" else weights


def seed_count(counts: Iterable[int]) -> str:
    """``n = 3 seeds``, ``n = 2–3 seeds``; empty without any."""
    present = [count for count in counts if count]
    if not present:
        return ""
    low, high = min(present), max(present)
    return f"n = {low}{'' if low == high else f'–{high}'} seed{'' if high == 1 else 's'}"


def _measured(card: Mapping[str, Any]) -> list[str]:
    """Count, extractor, sampler and reference, as far as the card has them."""
    parts = []
    if isinstance(count := card.get("count"), int):
        parts.append(f"{count:,} samples")
    if card.get("sampler"):
        parts.append(f"{card['sampler']} {card.get('nfe', '?')} NFE")
    if card.get("extractor"):
        digest = str(card.get("weights_sha256") or "")[:8]
        parts.append(" ".join(str(part) for part in (card["extractor"], digest) if part))
    if card.get("images_per_bin"):
        parts.append(f"{card['images_per_bin']} × {card.get('bins', '?')} held-out images")
    if isinstance(reference := card.get("reference"), str):
        parts.append(f"reference {reference}")
    return parts
