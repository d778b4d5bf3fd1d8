"""Where a CLIP text encoder lies, and what names it: a hash over its tensors. No torch here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bench.latents.autoencoder_weights import tensor_hash

CONFIG, WEIGHTS = "config.json", "model.safetensors"
VOCABULARIES = ("tokenizer.json", "vocab.json")
LAYOUT = (
    f"a folder with {CONFIG}, {WEIGHTS} and the tokenizer's files, such as openai/clip-vit-large-patch14, or one with "
    "text_encoder/ and tokenizer/ in it, such as Stable Diffusion's"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedTextEncoder:
    """A text encoder on disk; ``sha256`` covers the text tower's tensors, whatever else the file holds."""

    name: str  # an absolute path
    encoder: Path
    tokenizer: Path
    sha256: str


def locate_text(path: str | Path) -> LocatedTextEncoder:
    """The text encoder in the folder ``path``; raises ValueError that says what is missing or damaged."""
    root = Path(path).expanduser().absolute()
    if not root.is_dir():
        raise ValueError(f"no text encoder at {root}; expected {LAYOUT}")
    encoder = root / "text_encoder" if (root / "text_encoder").is_dir() else root
    tokenizer = root / "tokenizer" if (root / "tokenizer").is_dir() else root
    for name in (CONFIG, WEIGHTS):
        if not (encoder / name).is_file():
            raise ValueError(f"no text encoder in {encoder}: it lacks {name}; expected {LAYOUT}")
    if not any((tokenizer / name).is_file() for name in VOCABULARIES):
        raise ValueError(f"no tokenizer in {tokenizer}: it lacks {' and '.join(VOCABULARIES)}; expected {LAYOUT}")
    _check_kind(encoder / CONFIG)
    return LocatedTextEncoder(
        name=str(root), encoder=encoder, tokenizer=tokenizer, sha256=tensor_hash(encoder / WEIGHTS, _is_of_text)
    )


def _check_kind(path: Path) -> None:
    try:
        kind = json.loads(path.read_text()).get("model_type", "")
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} is no JSON table: {error}") from None
    if kind not in ("clip", "clip_text_model"):
        raise ValueError(f"{path} is of a model of type {kind!r}; expected a CLIP text encoder")


def _is_of_text(tensor: str) -> bool:
    """Early files hold the positions' numbers as a tensor of their own; they are no weights."""
    other = ("vision_model.", "visual_projection.", "text_projection.", "logit_scale")
    return not tensor.startswith(other) and "position_ids" not in tensor
