"""A small randomly initialised autoencoder, saved as diffusers saves one: the real class, the real files."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def save_autoencoder(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """Factor 2, 4 latent channels, 3 image channels, about 20,000 parameters; ``changes`` go to its configuration."""
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(seed)
    config: dict[str, Any] = {
        "down_block_types": ["DownEncoderBlock2D"] * 2,
        "up_block_types": ["UpDecoderBlock2D"] * 2,
        "block_out_channels": [8, 8],
        "norm_num_groups": 4,
        "layers_per_block": 1,
    }
    AutoencoderKL(**(config | changes)).save_pretrained(folder)
    return folder


def save_text_encoder(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """A CLIP text encoder of 8 tokens and 16 features whose tokenizer knows single letters, digits and signs."""
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    start, end = "<|startoftext|>", "<|endoftext|>"
    letters = [chr(code) for code in range(33, 127)]
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters), start, end]
    numbers = {token: number for number, token in enumerate(vocabulary)}
    CLIPTokenizer(vocab=numbers, merges=[]).save_pretrained(folder)
    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    marks = {"bos_token_id": numbers[start], "eos_token_id": numbers[end], "pad_token_id": numbers[end]}
    config = {"vocab_size": len(vocabulary), "max_position_embeddings": 8, **sizes, **marks}
    CLIPTextModel(CLIPTextConfig(**(config | changes))).save_pretrained(folder)
    return folder
