"""What a person reads of a calibration."""

from __future__ import annotations

import pytest

from reports import calibration_lines
from results.calibration import Bound
from tests.reports.simulated import calibration

BELOW, ABOVE = Bound(mean=-0.2, upper=-0.1), Bound(mean=-0.2, upper=0.1)


def test_level_bounds_spreads_margins_and_seeds_are_told() -> None:
    text = "\n".join(calibration_lines(calibration()))
    assert text.startswith(
        "budget cpu, uvit-micro-deep/4 on photos, 3000 steps, 5 calibration seeds (1000 to 1004)\nvalidity level B: "
    )
    for row in (
        "bin 1 (cleanest)                     0.741             0.756   below 1",
        "bin 5 (noisiest)                     1.492             1.522   not below 1",
        "geometric mean of all levels         0.970             0.990   below 1",
        "mean loss                            0.819             0.861   below 1",
        "log R of an arm                     0.0300",
        "log R of one training, repeated     0.0100   (every cell above contains it)",
    ):
        assert f"\n{row}\n" in text
    assert "\n  0.74  0.74  0.74  0.74  0.90  0.90  0.90  0.90  0.95  0.95\n" in text
    assert "\nmargins: R within 1.10; log skill within 0.0400, what 1.10 times the steps change" in text
    assert text.endswith("different by 1.10: 5; equivalent within 1.10: 6 (looks end at 12)")


@pytest.mark.parametrize(
    ("level", "bins", "geometric", "arithmetic", "told"),
    [
        ("A", [BELOW] * 5, BELOW, BELOW, "in every bin of noise"),
        ("C", [ABOVE] * 5, ABOVE, BELOW, "verdicts on speed are of early training, and skill has none"),
        ("none", [ABOVE] * 5, ABOVE, ABOVE, "not shown to beat the linear filter even in the mean loss: no verdict"),
    ],
)
def test_each_level_says_what_verdicts_may_say(
    level: str, bins: list[Bound], geometric: Bound, arithmetic: Bound, told: str
) -> None:
    record = calibration(level=level, bins=bins, geometric=geometric, arithmetic=arithmetic)
    assert calibration_lines(record)[1].startswith(f"validity level {level}: ") and told in calibration_lines(record)[1]


def test_what_was_not_measured_is_a_dash() -> None:
    bare = calibration(
        seeds=[1000, 1007], speed_sd=None, skill_sd=None, repeat_sd=None, skill_margin=None, seeds_for_power={}
    )
    text = "\n".join(calibration_lines(bare))
    assert "2 calibration seeds (1000, 1007)" in text
    assert "log R of an arm                          –\n" in text
    assert text.endswith("seeds for 80% power: unknown, for no challenger has an R")
    assert "over 1,000" in "\n".join(calibration_lines(calibration(seeds_for_power={"different by 1.10": None})))
