"""What is compared: U-ViT variants, their axes and presets. Importing this package imports no torch."""

from variants import official
from variants.axis import AXES, Axis, Option
from variants.config import ModelConfig
from variants.create import build, canonical, create_model, resolve
from variants.families import FAMILIES, Family
from variants.naming import name_of
from variants.plugins import load_plugin, loaded_plugins
from variants.presets import PRESETS, Preset
from variants.recipe import network_part, recipe_of
from variants.registry import Registry
from variants.scaling import scaled_options
from variants.spec import Spec, as_spec

__all__ = [
    "AXES",
    "FAMILIES",
    "PRESETS",
    "Axis",
    "Family",
    "ModelConfig",
    "Option",
    "Preset",
    "Registry",
    "Spec",
    "as_spec",
    "build",
    "canonical",
    "create_model",
    "load_plugin",
    "loaded_plugins",
    "name_of",
    "network_part",
    "official",
    "recipe_of",
    "resolve",
    "scaled_options",
]
