"""Margins within which two arms count as equivalent, set on calibration seeds and never on those of a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping

from reports.analysis.planned_looks import spending
from reports.analysis.power import POWER, equivalence_power
from results.calibration import SPEED_MARGINS
from results.manifest import LOOKS

# of log R: of the order of what arms differ by in MACs; bioequivalence's, where the spread leaves that one no chance
NARROW, WIDE = map(math.log, SPEED_MARGINS)


def speed_margin(sd: float, arms: int) -> float:
    """The margin of log R: ±log 1.10 where an arm without any effect would be found equivalent in 80% of grids.

    Else ±log 1.25, and nothing wider. ``sd`` is of one difference on calibration seeds. Power is that of the last
    planned look alone, so it is a little more in truth.
    """
    power = equivalence_power(0.0, sd, LOOKS[-1], arms, margin=NARROW, alpha=spending()[-1])
    return NARROW if power >= POWER else WIDE


def skill_margin(skill: Mapping[float, float], margin: float) -> float:
    """The margin of skill that a change of the steps by the factor exp(``margin``) makes.

    ``skill`` at the end of baseline trainings by their numbers of steps (0.8 K, K, 1.25 K): the slope of the line
    through them in the logarithm of the steps, times ``margin``. Raises ValueError for fewer than two numbers of steps.
    """
    if len(skill) < 2 or min(skill) <= 0:
        raise ValueError(f"skill: expected it at two positive numbers of steps or more, got {sorted(skill)}")
    logs = {math.log(steps): value for steps, value in skill.items()}
    centre, mean = sum(logs) / len(logs), sum(logs.values()) / len(logs)
    covariance = sum((x - centre) * (value - mean) for x, value in logs.items())
    return abs(covariance / sum((x - centre) ** 2 for x in logs)) * margin
