"""From a config back to a variant's text: the shortest that names it."""

from __future__ import annotations

from variants.axis import AXES
from variants.config import DEFAULT_SLOTS, ModelConfig
from variants.create import canonical, resolve
from variants.presets import PRESETS, Preset, preset_text
from variants.spec import Spec


def name_of(config: ModelConfig) -> str:
    """The canonical text that resolves to ``config`` on its data, with as few options as can be.

    Raises ValueError where no text does: for a width that is no multiple of any preset's head dimension, or a U-Net
    whose levels are no preset's.
    """
    found = [text for _, preset in PRESETS.items() if (text := _named_after(preset, config))]
    if not found:
        raise ValueError(
            f"no variant is a {config.family} of width {config.embed_dim} in {config.num_heads} heads; "
            "the nearest that names reach are multiples of 32"
        )
    return canonical(min(found, key=lambda text: text.count("+")))


def _named_after(preset: Preset, config: ModelConfig) -> str | None:
    """``config`` as options of ``preset``; None where they do not reach it."""
    data = {"image_size": config.image_size, "channels": config.channels}
    if preset.family != config.family or preset.levels != config.levels:
        return None
    base = preset.config(**data, patch=config.patch)
    sizes = {
        "depth": (base.depth, config.depth),
        "width": (base.embed_dim, config.embed_dim),
        "mlp_hidden": (base.mlp_hidden * config.embed_dim // base.embed_dim, config.mlp_hidden),
        "num_heads": (config.embed_dim // base.head_dim, config.num_heads),
    }
    options = [(axis, str(wanted)) for axis, (have, wanted) in sizes.items() if have != wanted]
    if config.time_mlp:
        options.append(("time_embed", "mlp"))
    for slot in dict.fromkeys([*DEFAULT_SLOTS, *dict(config.slots)]):
        if dict(base.slots).get(slot) != dict(config.slots).get(slot):
            options.append((_axis_of(slot), config.slot(slot)))
    text = str(Spec(preset=preset_text(preset, config.patch), options=tuple(options)))
    try:
        reached = resolve(
            text,
            **data,
            num_classes=config.num_classes,
            null_label=config.null_label,
            context_tokens=config.context_tokens,
            context_dim=config.context_dim,
        )
    except ValueError:
        return None
    return text if reached == config else None


def _axis_of(slot: str) -> str:
    """The axis that fills ``slot``."""
    return next((name for name, axis in AXES.items() if axis.slot == slot), slot)
