"""The hold-out of datasets that come without a test split: the end of a seeded permutation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.data.source import shuffled

SHARE = 10  # one image in ten
MOST = 5_000
NOTE = f"held out: the last 1/{SHARE} (at least 1, at most {MOST:,}) of a permutation that depends on the count alone"


def hold_out(count: int, name: str) -> dict[str, npt.NDArray[np.int64]]:
    """Indices by split, each in the permutation's order; raises ValueError if nothing would be left to train on."""
    if count < 2:
        raise ValueError(f"dataset {name}: expected at least 2 images (one is held out), got {count}")
    held = min(MOST, max(1, count // SHARE))
    order = shuffled("hold-out", count)
    return {"train": order[: count - held], "held_out": order[count - held :]}
