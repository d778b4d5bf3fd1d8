"""Where a variant's text meets a budget: what its recipe changes of the training, and which options say nothing new."""

from __future__ import annotations

from ablations.budgets import Budget
from bench.config import TrainingConfig
from variants import canonical, recipe_of
from variants.recipe import recipe_options, without

SHARED = ("image_size", "condition", "p_uncond", "precision")  # what all arms of a grid have in common


def settled(variant: str, budget: Budget) -> str:
    """The normal text of ``variant`` under ``budget``: options of the recipe that equal its values are dropped.

    Raises ValueError for an option that a ``--set`` has settled, and as `recipe_training` does.
    """
    recipe_training(variant, budget.training)
    same = []
    for axis, option in recipe_options(variant):
        for key in option.recipe or {}:
            if key in budget.settings:
                raise ValueError(
                    f"{axis}={option.name} and --set training.{key} choose the same; leave one of them out"
                )
        if budget.training.replace(option.recipe or {}, where=f"{axis}={option.name}") == budget.training:
            same.append(axis)
    return canonical(without(variant, same))


def recipe_training(variant: str, training: TrainingConfig) -> TrainingConfig:
    """``training`` with the recipe of ``variant``.

    Raises ValueError for a field that a training lacks or that all arms share, and for choices that exclude each other.
    """
    recipe = recipe_of(variant)
    for key in SHARED:
        if key in recipe:
            raise ValueError(f"{variant}: training.{key} is the same for all arms of a grid; an axis cannot set it")
    changed = training.replace(recipe, where=f"{variant}: training")
    changed.check_recipe(f"{variant}: training")
    return changed
