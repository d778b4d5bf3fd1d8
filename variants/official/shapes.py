"""The configuration behind an official state dict, from the shapes of its tensors alone. No torch here.

D width, C channels, p patch side, L tokens (label, time and context ahead of the patches).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from variants.config import ModelConfig

Shapes = Mapping[str, tuple[int, ...]]
CLIP_TOKENS = 77
GUIDED_ROWS = 1001  # ImageNet's 1,000 classes and the null label of the official guided networks
_PAPER_HEADS = {512: 8, 768: 12, 1024: 16, 1152: 16}  # Table 2: of 64 channels, but for U-ViT-H's 72
_BLOCK = re.compile(r"(in|out)_blocks\.(\d+)\.norm1\.weight")
_MARKS = {"patch_embed.proj.weight": 4, "pos_embed": 3, "mid_block.mlp.fc1.weight": 2, "decoder_pred.weight": 2}
_CONDITIONS = {"label_emb.weight": 2, "context_embed.weight": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What shapes do not tell (`variants.official.load`); None where nobody said."""

    num_heads: int | None = None
    null_label: bool | None = None
    context_tokens: int | None = None

    @classmethod
    def of(cls, config: ModelConfig) -> Self:
        """What makes ``config`` out of its shapes, whatever the defaults."""
        return cls(
            num_heads=config.num_heads,
            null_label=config.null_label if config.num_classes else None,
            context_tokens=config.context_tokens or None,
        )

    def given(self) -> dict[str, Any]:
        """The fields that somebody said."""
        values = {name: getattr(self, name) for name in ("num_heads", "null_label", "context_tokens")}
        return {name: value for name, value in values.items() if value is not None}

    def over(self, other: Told) -> Told:
        """This, and ``other`` where this says nothing."""
        return Told(**{**other.given(), **self.given()})


def infer(shapes: Shapes, told: Told) -> ModelConfig:
    """The configuration; raises ValueError, in one line, where these are not the tensors of an official U-ViT.

    Only what the configuration depends on is read; whether every tensor fits it is for the caller to compare.
    """
    _check_marks(shapes)
    dim, channels, patch, _ = shapes["patch_embed.proj.weight"]
    classes, null_label = _labels(shapes, told)
    context_tokens, context_dim = _context(shapes, told)
    extras = 1 + (1 if classes else 0) + context_tokens
    return ModelConfig(
        family="uvit",
        image_size=patch * _grid(shapes["pos_embed"][1], extras, context_tokens),
        channels=channels,
        num_classes=classes,
        null_label=null_label,
        context_tokens=context_tokens,
        context_dim=context_dim,
        depth=_blocks(shapes),
        embed_dim=dim,
        num_heads=_heads(dim, told),
        mlp_hidden=shapes["mid_block.mlp.fc1.weight"][0],
        patch=patch,
        time_mlp="time_embed.0.weight" in shapes,
        slots=(
            ("skip", "concat" if "out_blocks.0.skip_linear.weight" in shapes else "none"),
            ("conv_head", "after" if "final_layer.weight" in shapes else "none"),
        ),
    )


def _check_marks(shapes: Shapes) -> None:
    for name in _MARKS:
        if name not in shapes:
            raise ValueError(f"these are not the weights of a baofff/U-ViT network: there is no tensor '{name}'")
    for name, rank in (_MARKS | _CONDITIONS).items():
        if len(shapes.get(name, range(rank))) != rank:
            raise ValueError(f"'{name}' should have {rank} dimensions; got shape {shapes[name]}")
    if "mid_block.attn.qkv.bias" in shapes:
        raise ValueError("these weights have qkv biases (qkv_bias=True), which no network of the paper has, nor ours")
    if "label_emb.weight" in shapes and "context_embed.weight" in shapes:
        raise ValueError("these weights have labels and context; an official network has one of them or neither")


def _blocks(shapes: Shapes) -> int:
    """Blocks in all: n in, 1 middle, n out."""
    found = [match.groups() for name in shapes if (match := _BLOCK.fullmatch(name))]
    shallow, deep = (sorted(int(index) for side, index in found if side == wanted) for wanted in ("in", "out"))
    if shallow != deep or shallow != list(range(len(shallow))):
        raise ValueError(f"expected as many in_blocks as out_blocks, numbered from 0; got {shallow} and {deep}")
    return 2 * len(shallow) + 1


def _labels(shapes: Shapes, told: Told) -> tuple[int, bool]:
    """Real classes, and whether one more row is the null label."""
    if "label_emb.weight" not in shapes:
        if told.null_label:
            raise ValueError("null_label: these weights have no labels; leave it out")
        return 0, False
    rows = shapes["label_emb.weight"][0]
    null_label = rows == GUIDED_ROWS if told.null_label is None else told.null_label
    if null_label and rows < 2:
        raise ValueError(f"null_label: {rows} label row cannot hold a class and the null label; leave it out")
    return rows - int(null_label), null_label


def _context(shapes: Shapes, told: Told) -> tuple[int, int]:
    """Context tokens, and features of each."""
    if "context_embed.weight" not in shapes:
        if told.context_tokens:
            raise ValueError("context_tokens: these weights take no context; leave it out")
        return 0, 0
    tokens = CLIP_TOKENS if told.context_tokens is None else told.context_tokens
    if tokens < 1:
        raise ValueError(f"context_tokens: expected at least 1, got {tokens}")
    return tokens, shapes["context_embed.weight"][-1]


def _grid(tokens: int, extras: int, context_tokens: int) -> int:
    """Patches along one side."""
    patches = tokens - extras
    side = math.isqrt(max(patches, 0))
    if side < 1 or side**2 != patches:
        hint = f"; is context_tokens={context_tokens} right?" if context_tokens else ""
        raise ValueError(
            f"'pos_embed' has {tokens} rows, {extras} of them extra: {patches} patches fill no square{hint}"
        )
    return side


def _heads(dim: int, told: Told) -> int:
    if told.num_heads is not None:
        if told.num_heads < 1 or dim % told.num_heads:
            raise ValueError(f"num_heads: width {dim} does not divide into {told.num_heads} heads")
        return told.num_heads
    heads = _usual_heads(dim)
    if heads is None:
        raise ValueError(f"weights do not tell their heads, and width {dim} is no multiple of 64: give num_heads")
    return heads


def _usual_heads(dim: int) -> int | None:
    """The paper's heads for its widths; else heads of 64 channels, where they divide the width."""
    return _PAPER_HEADS.get(dim) or (None if dim % 64 else dim // 64)


def defaults(config: ModelConfig) -> Told:
    """What `infer` takes for a network of these shapes where nobody says."""
    return Told(
        num_heads=_usual_heads(config.embed_dim),
        null_label=config.label_rows == GUIDED_ROWS if config.num_classes else None,
        context_tokens=CLIP_TOKENS if config.context_tokens else None,
    )
