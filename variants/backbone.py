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
        self._check(x, timesteps, y, context)
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

    def _check(self, x: Tensor, timesteps: Tensor, y: Tensor | None, context: Tensor | None) -> None:
        config, batch = self.config, x.shape[0]
        side = config.image_size
        _expect("x", x, (batch, config.channels, side, side))
        _expect("timesteps", timesteps, (batch,))
        _expect_given("labels y", y, config.num_classes, (batch,))
        _expect_given("context", context, config.context_tokens, (batch, config.context_tokens, config.context_dim))
        if y is not None and y.device.type == "cpu" and not torch.compiler.is_compiling():
            _check_labels(y, config.label_rows)


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


def _expect(name: str, value: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(value.shape) != shape:
        raise ValueError(f"{name} should have shape {shape}; got {tuple(value.shape)}")


def _expect_given(name: str, value: Tensor | None, wanted: int, shape: tuple[int, ...]) -> None:
    if wanted and value is None:
        raise ValueError(f"this network is conditional: pass {name} of shape {shape}")
    if not wanted and value is not None:
        raise ValueError(f"this network takes no {name}; leave it out, or build it with num_classes or context_tokens")
    if value is not None:
        _expect(name, value, shape)


def _check_labels(y: Tensor, rows: int) -> None:
    if y.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"labels y should be int64; got {y.dtype}")
    if y.numel() and (int(y.min()) < 0 or int(y.max()) >= rows):
        raise ValueError(f"labels y should lie in 0…{rows - 1}; got {int(y.min())}…{int(y.max())}")
