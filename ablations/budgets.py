"""Budgets: how long cells train and how they are scored, as data in ``budgets.toml``. No torch here."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from bench.config import EvaluationConfig, TrainingConfig
from variants.registry import Registry

SECTIONS = ("training", "evaluation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The one number that a grid is decided by, fixed before the run. ``margin`` in the metric's unit, or None."""

    metric: str  # "frechet" is the Fréchet distance under the budget's extractor and sample count
    weights: str = "ema"
    step: str | int = "final"
    margin: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A training and evaluation schedule with the preset that it was made for."""

    name: str
    about: str
    preset: str
    training: TrainingConfig
    evaluation: EvaluationConfig
    endpoint: Endpoint
    seeds: int = 1  # of a grid that says nothing else, as the next
    first_seed: int = 0  # seeds below have shaped the budget
    settings: tuple[str, ...] = ()  # fields of the training that ``--set`` has changed

    def with_evaluation(self, values: Mapping[str, Any], *, where: str) -> Budget:
        """A copy with these fields of the evaluation set, as a grid asks. Raises ValueError naming ``where``."""
        return dataclasses.replace(self, evaluation=self.evaluation.replace(values, where=where))

    def with_settings(self, settings: Sequence[str]) -> Budget:
        """A copy with ``--set`` overrides such as ``training.steps=200``. Raises ValueError naming the setting."""
        budget = self
        for setting in settings:
            budget = budget._with_setting(setting)
        return budget

    def _with_setting(self, setting: str) -> Budget:
        path, equals, value = setting.partition("=")
        section, dot, key = path.strip().partition(".")
        if not equals or not dot or section not in SECTIONS:
            raise ValueError(
                f"--set {setting!r}: expected training.KEY=VALUE or evaluation.KEY=VALUE, such as training.steps=200"
            )
        changed = getattr(self, section).replace({key: value.strip()}, where=section)
        settings = (*self.settings, key) if section == "training" else self.settings
        return dataclasses.replace(self, settings=settings, **{section: changed})


def load_budgets() -> Registry[Budget]:
    """All budgets of ``budgets.toml`` by name."""
    content = tomllib.loads(resources.files("ablations").joinpath("budgets.toml").read_text(encoding="utf-8"))
    budgets: Registry[Budget] = Registry("budget")
    for name, table in content.items():
        budgets.register(name, _budget(name, table))
    return budgets


def _budget(name: str, table: dict[str, Any]) -> Budget:
    return Budget(
        name=name,
        about=table["about"],
        preset=table["preset"],
        training=TrainingConfig.from_mapping(table["training"], where=f"budget {name}: training"),
        evaluation=EvaluationConfig.from_mapping(table["evaluation"], where=f"budget {name}: evaluation"),
        endpoint=Endpoint(**table["endpoint"]),
        seeds=table.get("seeds", 1),
        first_seed=table.get("first_seed", 0),
    )
