"""Named sizes. A preset's name takes a patch suffix: ``uvit-s/2`` is ``uvit-s`` with 2×2 patches."""

from __future__ import annotations

from dataclasses import dataclass

from variants.config import ModelConfig
from variants.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A size of one family; ``patch`` serves where its name has no suffix, ``slots`` are choices of its own.

    A U-Net has no patches (0), one head, ``depth`` residual blocks a level, and the channels of its ``levels``.
    """

    name: str
    depth: int
    embed_dim: int
    num_heads: int
    patch: int
    family: str = "uvit"
    mlp_ratio: int = 4
    levels: tuple[int, ...] = ()
    attention_at: tuple[int, ...] = ()
    slots: tuple[tuple[str, str], ...] = ()
    source: str = ""

    def config(self, *, image_size: int, channels: int, patch: int | None = None) -> ModelConfig:
        """The preset on images of ``channels`` × ``image_size`` × ``image_size``, unconditional and unchecked."""
        return ModelConfig(
            family=self.family,
            image_size=image_size,
            channels=channels,
            depth=self.depth,
            embed_dim=self.embed_dim,
            num_heads=self.num_heads,
            mlp_hidden=self.mlp_ratio * self.embed_dim,
            patch=max(1, self.patch if patch is None else patch),
            levels=self.levels,
            attention_at=self.attention_at,
            slots=self.slots,
        )


PRESETS: Registry[Preset] = Registry("preset")

_PAPER, _OURS = "All are Worth Words, Table 2", "ours, for CPUs"
_NO_CONV = (("conv_head", "none"),)
_STARTS = (("head_init", "dirac"), ("pos_init", "sincos_2d"))  # docs/calibration.md: twice as fast at this size

# fmt: off
for _name, _depth, _dim, _heads, _patch, _slots, _source in [
    # name             blocks  width heads patch choices   source               parameters
    ("uvit-s",             13,   512,    8,    2, (),       _PAPER),          #   44M  CIFAR10 /2, CelebA 64 /4
    ("uvit-s-deep",        17,   512,    8,    2, (),       _PAPER),          #   58M  COCO latents /2
    ("uvit-m",             17,   768,   12,    4, (),       _PAPER),          #  131M  ImageNet 64 /4
    ("uvit-l",             21,  1024,   16,    2, (),       _PAPER),          #  287M  ImageNet 256 latents /2
    ("uvit-h",             29,  1152,   16,    2, _NO_CONV, _PAPER),          #  501M  ImageNet 256 latents /2
    ("uvit-nano",           5,   128,    4,    4, (),       _OURS),           #  1.1M
    ("uvit-nano-init",      5,   128,    4,    2, _STARTS,  _OURS),           #  1.1M  as nano, otherwise started
    ("uvit-micro",          5,    64,    2,    4, (),       _OURS),           #  0.3M
    ("uvit-micro-deep",    13,    64,    2,    4, (),       _OURS),           #  0.7M
]:
    PRESETS.register(_name, Preset(name=_name, depth=_depth, embed_dim=_dim, num_heads=_heads, patch=_patch,
                                   slots=_slots, source=_source))

# Rivals (docs/rivals.md).
_DIT = "Scalable Diffusion Models with Transformers, Table 1"
for _name, _depth, _dim, _heads, _patch, _source in [
    # name     blocks  width heads patch source       parameters, as published (with learned variance)
    ("dit-s",      12,   384,    6,    2, _DIT),  #    33M
    ("dit-b",      12,   768,   12,    2, _DIT),  #   130M
    ("dit-l",      24,  1024,   16,    2, _DIT),  #   458M
    ("dit-xl",     28,  1152,   16,    2, _DIT),  #   675M
]:
    PRESETS.register(_name, Preset(name=_name, family="dit", depth=_depth, embed_dim=_dim, num_heads=_heads,
                                   patch=_patch, source=_source))
# fmt: on

PRESETS.register(
    "genvit",  # 11M
    Preset(
        name="genvit",
        family="genvit",
        depth=9,
        embed_dim=384,
        num_heads=12,
        patch=4,
        mlp_ratio=2,
        source="Your ViT is Secretly a Hybrid Discriminative-Generative Diffusion Model",
    ),
)
PRESETS.register(
    "unet-cifar10",  # 35.7M
    Preset(
        name="unet-cifar10",
        family="unet",
        depth=2,
        embed_dim=128,
        num_heads=1,
        patch=0,
        levels=(128, 256, 256, 256),
        attention_at=(2,),
        source="Denoising Diffusion Probabilistic Models, appendix B",
    ),
)


def split_preset(text: str) -> tuple[Preset, int]:
    """The preset and the patch that ``uvit-s/2`` or ``uvit-s`` names; raises ValueError for an unknown one."""
    name, _, suffix = text.partition("/")
    preset = PRESETS.get(name)
    if not suffix:
        return preset, preset.patch
    if not preset.patch:
        raise ValueError(f"preset '{name}' has no patches; write it without '/{suffix}'")
    if not (suffix.isascii() and suffix.isdigit() and not suffix.startswith("0")):
        raise ValueError(f"'{suffix}' in preset '{text}' is not a patch size; write for example {name}/{preset.patch}")
    return preset, int(suffix)


def preset_text(preset: Preset, patch: int) -> str:
    """The normal text of a preset with a patch; one without patches (``patch`` 0 in the table) keeps its bare name."""
    return f"{preset.name}/{patch}" if preset.patch else preset.name
