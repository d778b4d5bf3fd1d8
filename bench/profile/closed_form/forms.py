"""Which family has which closed form: MACs from the sizes alone, with no torch and no network."""

from __future__ import annotations

from collections.abc import Callable

from bench.profile.closed_form import rivals
from bench.profile.closed_form.formula import Formula
from bench.profile.closed_form.uvit import uvit
from variants.config import ModelConfig
from variants.registry import Registry

FORMULAS: Registry[Callable[[ModelConfig], Formula]] = Registry("closed form")
FORMULAS.register("uvit", uvit)
for _family, _formula in rivals.FORMS.items():
    FORMULAS.register(_family, _formula)


def closed_form(config: ModelConfig) -> Formula:
    """The formula of the config's family. Raises ValueError, with the reason, where there is none."""
    if config.family not in FORMULAS.names():
        raise ValueError(f"family {config.family} has no closed form")
    return FORMULAS.get(config.family)(config)
