"""The line under a figure: what its numbers are, as far as their card says."""

from __future__ import annotations

import pytest

from reports.content.footers import footer, seed_count
from results.metrics import describe
from tests.reports.simulated import FD, loss_card, sample_card


@pytest.mark.parametrize(
    ("counts", "text"), [([3, 3], "n = 3 seeds"), ([1], "n = 1 seed"), ([2, 3, 0], "n = 2–3 seeds"), ([], "")]
)
def test_seed_counts(counts: list[int], text: str) -> None:
    assert seed_count(counts) == text


def test_a_footer_says_how_its_numbers_were_measured() -> None:
    said = footer(describe(FD), "ema", sample_card(), seeds=[3, 3], floor=21.43)
    for part in (
        "FD-1K effnet-lite0 of EMA weights", "1,000 samples", "dpm_solver 50 NFE", "effnet-lite0 abababab",
        "reference photos:train", "n = 3 seeds", "floor 21.43",
    ):  # fmt: skip
        assert part in said, part
    assert footer(describe("val_loss"), "raw", loss_card(), seeds=[3]).endswith("n = 3 seeds")  # and no floor
