"""The text encoder of text-to-image: captions to context tokens, by ``transformers.CLIPTextModel``.

The context is the last hidden state after the final norm of every token, padded to the encoder's length: 77 tokens of
768 features for CLIP ViT-L/14, as in Stable Diffusion and the paper's MS-COCO networks. n texts, T tokens, E features.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.latents.text_weights import LocatedTextEncoder, locate_text

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoder:
    """Texts to contexts, in full float32 on ``device``."""

    tokens: int
    features: int
    device: str
    located: LocatedTextEncoder
    network: Any = field(repr=False)
    tokenizer: Any = field(repr=False)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Contexts (n, T, E) float32 of ``texts``, each cut or padded to T tokens."""
        import torch

        from bench.fid.extractor import full_float32

        ids = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=self.tokens, return_tensors="pt"
        ).input_ids
        with torch.inference_mode(), full_float32(self.device):
            return self.network(input_ids=ids.to(self.device)).last_hidden_state.float()


def load_text_encoder(path: str | Path, *, device: str = "cpu") -> TextEncoder:
    """The CLIP text encoder in the folder ``path``; nothing is downloaded.

    Raises ValueError, in one line, where it is missing, damaged or something else, and where transformers is missing.
    """
    located = locate_text(path)
    network, tokenizer = _network(located).eval().requires_grad_(False).to(device), _tokenizer(located)
    config = network.config
    if len(tokenizer) > config.vocab_size:
        raise ValueError(
            f"{located.tokenizer}: its tokenizer knows {len(tokenizer):,} tokens, the text encoder in "
            f"{located.encoder} {config.vocab_size:,}; they do not belong together"
        )
    return TextEncoder(
        tokens=config.max_position_embeddings,
        features=config.hidden_size,
        device=device,
        located=located,
        network=network,
        tokenizer=tokenizer,
    )


def _network(located: LocatedTextEncoder) -> Any:
    library = _transformers()
    try:
        network, report = library.CLIPTextModel.from_pretrained(
            located.encoder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise ValueError(f"{located.encoder} is no CLIP text encoder: {_first_line(error)}") from None
    wrong = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if wrong:
        raise ValueError(
            f"{located.encoder} is no CLIP text encoder of its config.json: {wrong[0]} is missing or differs"
        )
    return network


def _tokenizer(located: LocatedTextEncoder) -> Any:
    try:
        return _transformers().CLIPTokenizer.from_pretrained(located.tokenizer, local_files_only=True)
    except Exception as error:  # the tokenizers library raises bare Exception for a damaged file
        raise ValueError(f"{located.tokenizer} holds no CLIP tokenizer: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _transformers() -> Any:
    """The library, told to keep its loading bars and reports to itself: what is wrong is raised."""
    try:
        import transformers
    except ImportError as error:
        raise ValueError(
            f"a text encoder needs the package transformers ({error}): {Path(sys.executable).name} -m pip install "
            "'uvit-ablations[latents]'"
        ) from None
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    return transformers
