"""Between an official state dict and our network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from variants.config import ModelConfig
from variants.create import build, check
from variants.official.names import official_name, our_name
from variants.official.shapes import Shapes, Told, infer

if TYPE_CHECKING:
    from torch import Tensor, nn

# What the official code can build, slot by slot; every other slot must be at its default. How the head started is past.
_OFFICIAL = {"skip": ("concat", "none"), "conv_head": ("after", "none"), "head_init": ("dirac", "zero")}


def network(tensors: Mapping[str, Tensor], told: Told, *, name: str) -> nn.Module:
    """Our network with the weights of an official state dict, in float32 on the CPU.

    Raises ValueError, in one line that starts with ``name``, where the tensors are not those of one network.
    """
    shapes = {key: tuple(value.shape) for key, value in tensors.items()}
    try:
        config = infer(shapes, told)
        model = check_fit(shapes, config)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    weights = {our_name(key): value.detach().to("cpu", torch.float32, copy=True) for key, value in tensors.items()}
    model.load_state_dict(weights, assign=True)
    return model


def check_fit(found: Shapes, config: ModelConfig) -> nn.Module:
    """The network of ``config`` without weights; ValueError unless these are the shapes of its tensors."""
    check(config)
    model = build(config, device="meta")
    wanted = {official_name(key): tuple(value.shape) for key, value in model.state_dict().items()}
    _check_shapes(found, wanted)
    return model


def config_of(model: nn.Module) -> ModelConfig:
    """What ``model`` was built from; ValueError where it is none of ours."""
    config = getattr(model, "config", None)
    if not isinstance(config, ModelConfig):
        raise ValueError(f"expected a network of variants.create_model, got {type(model).__name__}")
    return config


def check_exportable(config: ModelConfig) -> None:
    """Raise ValueError, naming the choice, where the official code has no network of ``config``."""
    if config.family != "uvit":
        raise ValueError(f"a {config.family} has no official form: baofff/U-ViT holds U-ViTs alone")
    for slot, choice in config.slots:
        if choice not in _OFFICIAL.get(slot, ()):
            raise ValueError(f"{slot}={choice} has no official form: the code of baofff/U-ViT has no such option")


def _check_shapes(found: Shapes, wanted: Shapes) -> None:
    missing = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    if missing:
        raise ValueError(f"{len(missing)} tensors of a U-ViT of these sizes are missing, '{missing[0]}' among them")
    if extra:
        raise ValueError(f"{len(extra)} tensors belong to no U-ViT of these sizes, '{extra[0]}' among them")
    for name, shape in wanted.items():
        if found[name] != shape:
            raise ValueError(f"'{name}' should have shape {shape} beside the other tensors; got {found[name]}")
