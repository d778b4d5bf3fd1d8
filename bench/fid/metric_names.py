"""What a score is called. The name says which network measured how many images, so that unlike scores never mix."""

from __future__ import annotations

from typing import Literal

Kind = Literal["frechet", "kernel"]

# only these networks, with their resize, have names that the literature uses; all else says what it is
_LITERATURE = {
    "inception": {"frechet": "fid", "kernel": "kid"},
    "clean-inception": {"frechet": "clean_fid", "kernel": "clean_kid"},
}


def metric_name(kind: Kind, extractor: str, count: int) -> str:
    """``fid_10k`` and ``kid_10k`` for ``inception``, else ``fd_effnet_lite0_1k``, ``kd_effnet_lite0_500``."""
    if kind not in ("frechet", "kernel"):
        raise ValueError(f"expected the kind frechet or kernel, got {kind!r}")
    if extractor in _LITERATURE:
        return f"{_LITERATURE[extractor][kind]}_{count_name(count)}"
    return f"{'fd' if kind == 'frechet' else 'kd'}_{extractor.replace('-', '_')}_{count_name(count)}"


def neighbour_name(kind: Literal["precision", "recall"], count: int, k: int) -> str:
    """``precision_1k_k3``, ``recall_500_k3``; ``count`` is the size of the two subsets."""
    return f"{kind}_{count_name(count)}_k{k}"


def count_name(count: int) -> str:
    """Multiples of 1,000 as ``10k``, else digits."""
    if count < 1:
        raise ValueError(f"a score counts at least one image, got {count}")
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)
