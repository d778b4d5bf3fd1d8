"""U-ViT (All are Worth Words, Fig. 1): tokens for everything, long skips from the shallow to the deep blocks.

B batch, C channels, H height, W width, L tokens, D width, T context tokens, E context features.

Slots and what their builders get and return:

=============  =========================  ==========================================================
patch_embed    ``(config)``               module (B, C, H, W) → (B, patches, D)
time           ``(config)``               `variants.layers.time.TimeConditioning`
pos_embed      ``(config, extras)``       module (B, extras + patches, D) → same
skip           ``(config)``               module (h_m, h_s) → h, all (B, L, D); one per out block
conv_head      ``(config)``               `variants.layers.head.ConvHead`
norm           ``(config, affine)``       module (B, L, D) → same
attention      ``(config)``               module (B, L, D) → same
mlp            ``(config)``               module (B, L, D) → same
any other      ``(config, model)``        nothing: it changes the finished model in place
=============  =========================  ==========================================================
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from variants.axis import Builder, builder
from variants.config import DEFAULT_SLOTS, ModelConfig
from variants.inputs import check_inputs
from variants.layers.block import Block, make_norm
from variants.layers.head import ConvHead
from variants.layers.time import SinusoidalEmbedding, TimeConditioning


class UViT(nn.Module):
    """The backbone of ``config``; ``gradient_checkpointing`` trades time for memory in training."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.embed_dim
        time: TimeConditioning = _required(config, "time")(config)
        head: ConvHead = _required(config, "conv_head")(config)
        self.config = config
        self.gradient_checkpointing = False
        self.extras = time.tokens + config.context_tokens + (1 if config.num_classes else 0)
        self.time_tokens = time.tokens
        self.patch_embed: nn.Module = _required(config, "patch_embed")(config)
        self.time_sinusoid = SinusoidalEmbedding(dim)
        self.time_embed = _time_mlp(dim) if config.time_mlp else nn.Identity()
        self.label_emb = nn.Embedding(config.label_rows, dim) if config.num_classes else None
        self.context_embed = nn.Linear(config.context_dim, dim) if config.context_tokens else None
        self.pos_embed: nn.Module = _required(config, "pos_embed")(config, self.extras)
        make_skip = _required(config, "skip")
        half = config.depth // 2
        self.in_blocks = nn.ModuleList(Block(config, time) for _ in range(half))
        self.mid_block = Block(config, time)
        self.out_blocks = nn.ModuleList(Block(config, time, skip=make_skip(config)) for _ in range(half))
        self.norm = make_norm(config, affine=True)
        self.token_layer = head.before
        self.decoder_pred = nn.Linear(dim, config.patch**2 * config.channels)
        self.final_layer = head.after

    def forward(self, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None) -> Tensor:
        """The predicted noise (B, C, H, W) for noisy images x (B, C, H, W) at network ``timesteps`` (B,).

        ``y`` (B,) int64 labels and ``context`` (B, T, E) are required where the network has them, and only there;
        ValueError otherwise. Labels are checked against their range on the CPU only, so as never to wait for a GPU.
        """
        check_inputs(self.config, x, timesteps, y, context)
        tokens = self.patch_embed(x)
        # The weights' dtype, not the tokens': under autocast the tokens are coarser than the time may become.
        time = self.time_embed(self.time_sinusoid(timesteps, self.decoder_pred.weight.dtype))
        h = self.pos_embed(torch.cat([*self._extra_tokens(time, y, context), tokens], dim=1))
        h = self.norm(self._trunk(h, time))[:, self.extras :]
        pixels = self.decoder_pred(self.token_layer(h))
        grid, patch = self.config.grid, self.config.patch
        # channels last in memory: on a CPU the backward of a convolution over few channels is five times faster so
        image = rearrange(pixels, "b (h w) (p q c) -> b (h p) (w q) c", h=grid, p=patch, q=patch)
        return self.final_layer(image.permute(0, 3, 1, 2))

    def hidden_states(
        self, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None
    ) -> list[Tensor]:
        """The tokens after each block in order, (B, L, D) each, extra tokens (label, time, context) first."""
        states: list[Tensor] = []
        blocks = [*self.in_blocks, self.mid_block, *self.out_blocks]
        hooks = [block.register_forward_hook(lambda _module, _args, h: states.append(h)) for block in blocks]
        try:
            self(x, timesteps, y, context)
        finally:
            for hook in hooks:
                hook.remove()
        return states

    def _extra_tokens(self, time: Tensor, y: Tensor | None, context: Tensor | None) -> list[Tensor]:
        """Label, time, context: the order of the official weights."""
        extras = [self.label_emb(y)[:, None]] if self.label_emb is not None else []
        if self.time_tokens:
            extras.append(time[:, None])
        if self.context_embed is not None:
            extras.append(self.context_embed(context))
        return extras

    def _trunk(self, h: Tensor, time: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for block in self.in_blocks:
            h = self._run(block, h, time)
            skips.append(h)
        h = self._run(self.mid_block, h, time)
        for block in self.out_blocks:
            h = self._run(block, h, time, skips.pop())
        return h

    def _run(self, block: nn.Module, *args: Tensor) -> Tensor:
        if self.gradient_checkpointing and torch.is_grad_enabled():
            return checkpoint(block, *args, use_reentrant=False)
        return block(*args)


def finish(model: nn.Module, config: ModelConfig) -> None:
    """Let the options of slots that the backbone lacks change the finished ``model`` in place."""
    for slot, _ in config.slots:
        if slot not in DEFAULT_SLOTS:
            _required(config, slot)(config, model)


def _required(config: ModelConfig, slot: str) -> Builder:
    build = builder(config, slot)
    assert build is not None, f"no axis builds slot {slot}"
    return build


def _time_mlp(dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, 4 * dim), nn.SiLU(), nn.Linear(4 * dim, dim))
