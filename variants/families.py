"""Families of networks: what builds the module of a config. A rival backbone registers itself here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from variants.config import ModelConfig
from variants.registry import Registry

if TYPE_CHECKING:
    from torch import nn

FAMILIES: Registry[Callable[[ModelConfig], nn.Module]] = Registry("family")


def _uvit(config: ModelConfig) -> nn.Module:
    from variants.backbone import UViT, finish

    model = UViT(config)
    finish(model, config)
    return model


FAMILIES.register("uvit", _uvit)
