"""Names of tensors, ours and the official code's. All but two kinds are equal."""

from __future__ import annotations

import re

_POSITIONS = ("pos_embed.table", "pos_embed")
_SKIP = re.compile(r"(out_blocks\.\d+\.skip_linear)\.linear\.(weight|bias)")
_OFFICIAL_SKIP = re.compile(r"(out_blocks\.\d+\.skip_linear)\.(weight|bias)")


def official_name(ours: str) -> str:
    """The official name of our tensor ``ours``."""
    if ours == _POSITIONS[0]:
        return _POSITIONS[1]
    return _SKIP.sub(r"\1.\2", ours)


def our_name(official: str) -> str:
    """Our name of the official tensor ``official``."""
    if official == _POSITIONS[1]:
        return _POSITIONS[0]
    return _OFFICIAL_SKIP.sub(r"\1.linear.\2", official)
