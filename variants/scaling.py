"""Size grids that scale with the preset; on U-ViT-S/2 they are the paper's (Fig. 3)."""

from __future__ import annotations

from fractions import Fraction

from variants.axis import AXES
from variants.config import ModelConfig
from variants.families import FAMILIES
from variants.presets import split_preset

MAX_TOKENS = 1025  # a 32×32 grid of patches and the time token


def scaled_options(axis: str, preset: str, *, image_size: int | None = None) -> list[str]:
    """The values that a grid of ``axis`` (a size such as depth) takes for ``preset``, the preset's own first.

    Depth is the nearest number, odd for U-ViT, to ×{1, 9/13, 17/13}, at least 3 (1 where it need not be odd); width
    ×{1, ½, 3/2} at the preset's head dimension; patch ×{1, ½, 2, 4}, without those that do not divide the image or make
    more than 1,025 tokens; mlp_hidden and deep_width ×{1, ½, 3/2}; num_heads ×{1, ½, 2}.
    Raises ValueError for another axis, one that the preset's family lacks, an unknown preset, or patch without
    ``image_size``.
    """
    shape, patch = split_preset(preset)
    family = FAMILIES.get(shape.family)
    family.check_takes(AXES.get(axis))
    config = shape.config(image_size=image_size or 1, channels=1, patch=patch)
    if axis == "depth":
        nearest = _nearest_odd if family.odd_depth else _nearest
        values = [nearest(config.depth * factor) for factor in (Fraction(1), Fraction(9, 13), Fraction(17, 13))]
    elif axis == "width":
        values = _widths(config)
    elif axis == "mlp_hidden":
        values = _thrice(config.mlp_hidden)
    elif axis == "deep_width":
        values = _thrice(config.levels[-1])
    elif axis == "num_heads":
        values = [config.num_heads, config.num_heads // 2, config.num_heads * 2]
    elif axis == "patch":
        if image_size is None:
            raise ValueError("the patch grid depends on the image; give image_size")
        values = _patches(config)
    else:
        raise ValueError(
            f"axis '{axis}' does not scale with the preset; "
            "depth, width, num_heads, patch, mlp_hidden and deep_width do"
        )
    return [str(value) for value in dict.fromkeys(values)]


def _nearest_odd(value: Fraction) -> int:
    return max(3, 2 * round((value - 1) / 2) + 1)


def _nearest(value: Fraction) -> int:
    return max(1, round(value))


def _thrice(size: int) -> list[int]:
    return [size, size // 2, size * 3 // 2]


def _widths(config: ModelConfig) -> list[int]:
    if config.levels:
        return _thrice(config.embed_dim)
    heads = [config.num_heads, config.num_heads // 2, config.num_heads * 3 // 2]
    return [count * config.head_dim for count in heads if count > 0]


def _patches(config: ModelConfig) -> list[int]:
    values = [config.patch, *([config.patch // 2] if config.patch % 2 == 0 else []), 2 * config.patch, 4 * config.patch]
    fitting = [patch for patch in values if config.image_size % patch == 0]
    return [patch for patch in fitting if (config.image_size // patch) ** 2 + 1 <= MAX_TOKENS]
