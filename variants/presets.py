"""Named sizes. A preset's name takes a patch suffix: ``uvit-s/2`` is ``uvit-s`` with 2×2 patches."""

from __future__ import annotations

from dataclasses import dataclass

from variants.config import ModelConfig
from variants.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A size of one family; ``patch`` serves where its name has no suffix, ``slots`` are choices of its own."""

    name: str
    depth: int
    embed_dim: int
    num_heads: int
    patch: int
    family: str = "uvit"
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
            mlp_hidden=4 * self.embed_dim,
            patch=self.patch if patch is None else patch,
            slots=self.slots,
        )


PRESETS: Registry[Preset] = Registry("preset")

_PAPER, _OURS = "All are Worth Words, Table 2", "ours, for CPUs"
_NO_CONV = (("conv_head", "none"),)

# fmt: off
for _name, _depth, _dim, _heads, _patch, _slots, _source in [
    # name             blocks  width heads patch choices   source               parameters
    ("uvit-s",             13,   512,    8,    2, (),       _PAPER),          #   44M  CIFAR10 /2, CelebA 64 /4
    ("uvit-s-deep",        17,   512,    8,    2, (),       _PAPER),          #   58M  COCO latents /2
    ("uvit-m",             17,   768,   12,    4, (),       _PAPER),          #  131M  ImageNet 64 /4
    ("uvit-l",             21,  1024,   16,    2, (),       _PAPER),          #  287M  ImageNet 256 latents /2
    ("uvit-h",             29,  1152,   16,    2, _NO_CONV, _PAPER),          #  501M  ImageNet 256 latents /2
    ("uvit-nano",           5,   128,    4,    4, (),       _OURS),           #  1.1M
    ("uvit-micro",          5,    64,    2,    4, (),       _OURS),           #  0.3M
    ("uvit-micro-deep",    13,    64,    2,    4, (),       _OURS),           #  0.7M
]:
    PRESETS.register(_name, Preset(name=_name, depth=_depth, embed_dim=_dim, num_heads=_heads, patch=_patch,
                                   slots=_slots, source=_source))
# fmt: on


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
