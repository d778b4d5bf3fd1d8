"""Grids whose true effects are known: records with one endpoint score a cell, as a report would read them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from reports.views.grid import ArmView, CellView, GridView
from results import Record, Score
from results.manifest import Manifest, ManifestArm, ManifestCell, ManifestEndpoint

Array = npt.NDArray[np.float64]

METRIC, STEP, LEVEL = "val_loss", 1000, 50.0
MARGIN = 4.0  # in standard deviations of one score around its seed's level
SEED_SHIFT = 3.0  # what a seed does to all arms alike, in the same unit

# The two worlds in which verdicts go wrong most often: no arm has an effect and no margin is declared, so that every
# `better` and `worse` is false; and every arm's effect is as large as the margin, so that every `equivalent` is.
World = Literal["null", "edge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationPlan:
    """Grids to simulate: ``arms`` beside the baseline, ``seeds``, and the kind of spread (a name of `SPREADS`)."""

    seeds: int
    arms: int
    spread: str
    world: World


def effects(plan: SimulationPlan) -> tuple[float, ...]:
    """True differences of the arms from the baseline."""
    return tuple({"null": 0.0, "edge": -MARGIN if arm % 2 else MARGIN}[plan.world] for arm in range(plan.arms))


def margin(plan: SimulationPlan) -> float | None:
    """The margin that the grid declares."""
    return MARGIN if plan.world == "edge" else None


def scores(plan: SimulationPlan, number: int) -> Array:
    """Scores (1 + arms, seeds) of grid ``number``, the baseline first; equal arguments give equal numbers."""
    which = list(SPREADS).index(plan.spread)
    random = np.random.default_rng([number, plan.seeds, plan.arms, which, plan.world == "edge"])
    truth = np.array([0.0, *effects(plan)])[:, None]
    return LEVEL + truth + SPREADS[plan.spread](random, 1 + plan.arms, plan.seeds)


def _normal(random: np.random.Generator, arms: int, seeds: int) -> Array:
    """A shift that each seed gives to all arms, and independent normal noise."""
    return SEED_SHIFT * random.standard_normal(seeds) + random.standard_normal((arms, seeds))


def _correlated(random: np.random.Generator, arms: int, seeds: int) -> Array:
    """Arms answer a seed's shift unequally (0.5 to 1.5 of it), so that differences share what is left of it."""
    response = np.linspace(0.5, 1.5, arms)[:, None]
    return response * random.standard_normal(seeds) + 0.5 * random.standard_normal((arms, seeds))


def _unequal(random: np.random.Generator, arms: int, seeds: int) -> Array:
    """The last arm is four times as noisy as the baseline, those between them less."""
    return np.geomspace(0.5, 2.0, arms)[:, None] * random.standard_normal((arms, seeds))


def _heavy(random: np.random.Generator, arms: int, seeds: int) -> Array:
    """Student's t with three degrees of freedom: now and then a seed goes far off."""
    return random.standard_t(3, (arms, seeds)) / np.sqrt(3)


def _skewed(random: np.random.Generator, arms: int, seeds: int) -> Array:
    """Exponential noise in every arm: differences of two such are symmetric, with heavier tails than normal ones."""
    return random.exponential(1, (arms, seeds)) - 1


def _one_sided(random: np.random.Generator, arms: int, seeds: int) -> Array:
    """Exponential noise in the arms alone: differences are skewed, which no test on few seeds can mend."""
    noise = random.exponential(1, (arms, seeds)) - 1
    noise[0] = 0.1 * random.standard_normal(seeds)
    return noise


SPREADS: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "normal": _normal,
    "correlated": _correlated,
    "unequal": _unequal,
    "heavy": _heavy,
    "skewed": _skewed,
    "one-sided": _one_sided,
}


def grid(plan: SimulationPlan, number: int) -> GridView:
    """Grid ``number`` of a plan with a record a cell, as `reports.find` would give it."""
    arms = tuple(_arm(arm, row) for arm, row in enumerate(scores(plan, number)))
    return GridView(name="planted", title="planted", manifest=manifest(plan), arms=arms)


@cache
def manifest(plan: SimulationPlan) -> Manifest:
    """What ``grids/planted.json`` would hold."""
    return Manifest(
        name="planted",
        question="Which arm has an effect?",
        baseline="arm0",
        reference="",
        endpoint=ManifestEndpoint(metric=METRIC, weights="raw", step=STEP, margin=margin(plan)),
        budget="planted",
        dataset="none",
        arms=tuple(_manifest_arm(arm, plan.seeds) for arm in range(1 + plan.arms)),
    )


def _manifest_arm(arm: int, seeds: int) -> ManifestArm:
    cells = tuple(ManifestCell(seed=seed, train_id=_cell(arm, seed).train_id) for seed in range(seeds))
    return ManifestArm(arm=f"arm{arm}", variant=f"arm{arm}", cells=cells)


def _arm(arm: int, row: Array) -> ArmView:
    cells = []
    for seed, value in enumerate(row.tolist()):
        empty = _cell(arm, seed)
        score = dataclasses.replace(empty.scores[0], value=value)
        record = dataclasses.replace(empty, scores=[score])
        cells.append(CellView(seed=seed, train_id=record.train_id, record=record))
    return ArmView(name=f"arm{arm}", variant=f"arm{arm}", formula="", cells=tuple(cells), is_baseline=arm == 0)


@cache
def _cell(arm: int, seed: int) -> Record:
    """A finished cell without its score's value."""
    identity = hashlib.sha256(f"planted {arm} {seed}".encode()).hexdigest()[:16]
    score = Score(
        score_id=identity, step=STEP, weights="raw", metric=METRIC, value=None, card={}, train_macs=0, wall_s=0.0
    )
    return Record(
        train_id=identity, status="ok", variant=f"arm{arm}", preset="planted", dataset={"name": "none"},
        budget="planted", training={"steps": STEP}, seed=seed, params=0, macs=0, scores=[score],
    )  # fmt: skip
