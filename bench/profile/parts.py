"""Which part of a network a module belongs to: what reviewers ask about, under one name in every method of counting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# The first pattern that a module's qualified name matches wins. What matches none is "other": a rival's blocks.
_PARTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (part, re.compile(pattern))
    for part, pattern in (
        ("embedding", r"(patch_embed|time_embed|label_emb|context_embed|pos_embed|class_token)(\.|$)"),
        ("head", r"(token_layer|decoder_pred|final_layer)(\.|$)"),
        ("attention_matmuls", r".*\.attn$"),  # what attention does outside its linear layers: q·kᵀ and weights·v
        ("attention_linear", r".*\.attn\."),
        ("mlp", r".*\.mlp(\.|$)"),
        ("skips", r".*\.skip_linear(\.|$)"),
        ("modulation", r".*\.(time[12]|modulation)(\.|$)"),
        ("convolutions", r".*\.(conv[12]?|shortcut)(\.|$)"),
        ("norm", r"(.*\.)?(final_)?norm[12]?(\.|$)"),
    )
)
PARTS = (*(part for part, _ in _PARTS), "other")


def part_of(module: str) -> str:
    """The part of the module with this qualified name (``in_blocks.0.attn.qkv``; the root's is empty)."""
    return next((part for part, pattern in _PARTS if pattern.match(module)), "other")


def by_part(inclusive: Mapping[str, int]) -> dict[str, int]:
    """Sums by part, in the order of `PARTS` and without zeros, of counts that include each module's children."""
    sums = dict.fromkeys(PARTS, 0)
    for module, count in inclusive.items():
        sums[part_of(module)] += count
        if module and (parent := _nearest(module, inclusive)) is not None:
            sums[part_of(parent)] -= count
    return {part: count for part, count in sums.items() if count}


def total_by_part(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sums by part of counts that stand for themselves, such as parameters by qualified name."""
    sums = dict.fromkeys(PARTS, 0)
    for name, count in items:
        sums[part_of(name)] += count
    return {part: count for part, count in sums.items() if count}


def _nearest(module: str, counted: Mapping[str, int]) -> str | None:
    """The nearest ancestor that has a count of its own: a ModuleList is never called, so some methods skip it."""
    while module:
        module = module.rpartition(".")[0]
        if module in counted:
            return module
    return None
