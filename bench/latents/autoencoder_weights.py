"""Where an autoencoder's weights lie, and what names them: hashes over tensors, one for each half. No torch here.

Stable Diffusion's published decoders (sd-vae-ft-mse, sd-vae-ft-ema) share one encoder: latents of any of them may be
decoded by another, so encoder and decoder are hashed apart.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.files.published_weights import PublishedWeights

CONFIG, WEIGHTS, SUBFOLDER = "config.json", "diffusion_pytorch_model.safetensors", "vae"
ENCODER = ("encoder.", "quant_conv.")
RENAMED = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}  # as diffusers named them early on
_HEADER_LIMIT = 100 << 20  # safetensors' own

STABLE_DIFFUSION: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "block_out_channels": [128, 256, 512, 512],
    "layers_per_block": 2,
    "latent_channels": 4,
    "norm_num_groups": 32,
    "scaling_factor": 0.18215,
}
_REVISION = "31f26fdeee1355a5c34592e401dd41e45d25a493"
PUBLISHED = {
    "sd-vae-ft-mse": PublishedWeights(
        names=("sd-vae-ft-mse.safetensors",),
        url=f"https://huggingface.co/stabilityai/sd-vae-ft-mse/resolve/{_REVISION}/{WEIGHTS}",
        size=334_643_276,
        sha256="a1d993488569e928462932c8c38a0760b874d166399b14414135bd9c42df5815",
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedAutoencoder:
    """An autoencoder on disk: its file of weights and its configuration; hashes cover tensors by name, not the file."""

    name: str  # as a user may write it again: an absolute path or a published name
    weights: Path
    encoder_sha256: str
    decoder_sha256: str
    config: Mapping[str, Any] = field(repr=False)


def locate(name: str | Path, *, allow_download: bool = True) -> LocatedAutoencoder:
    """The autoencoder ``name``: a folder (or one with a folder ``vae`` in it), a .safetensors file, a published name.

    Raises ValueError that says what is missing or damaged.
    """
    published = PUBLISHED.get(str(name))
    if published is not None and not Path(name).exists():
        weights = published.find(None, allow_download=allow_download)
        shown, config = str(name), STABLE_DIFFUSION
    else:
        weights = _file(Path(name).expanduser().absolute())
        shown, config = str(weights if Path(name).is_file() else weights.parent), _config(weights.with_name(CONFIG))
    return LocatedAutoencoder(
        name=shown,
        weights=weights,
        config=config,
        encoder_sha256=tensor_hash(weights, _is_of_encoder),
        decoder_sha256=tensor_hash(weights, _is_of_decoder),
    )


def _file(path: Path) -> Path:
    known = f"or one of: {', '.join(PUBLISHED)}"
    if path.is_file():
        return path
    if not path.is_dir():
        raise ValueError(f"no autoencoder at {path}; expected a folder with {CONFIG} and {WEIGHTS}, its file, {known}")
    for folder in (path, path / SUBFOLDER):
        if (folder / WEIGHTS).is_file():
            return folder / WEIGHTS
    raise ValueError(f"no autoencoder in {path}: it lacks {WEIGHTS}; expected a folder as diffusers saves it, {known}")


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text())
        if not isinstance(config, dict):
            raise ValueError("it holds no table")
    except OSError as error:
        raise ValueError(f"cannot read {path} (the weights need it beside them): {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path} is no JSON table: {error}") from None
    if (kind := config.get("_class_name", "AutoencoderKL")) != "AutoencoderKL":
        raise ValueError(f"{path} is of a {kind}; expected an AutoencoderKL")
    return {key: value for key, value in config.items() if not key.startswith("_")}


def current_name(tensor: str) -> str:
    """A tensor's name as diffusers writes it now; that of a text tower as where it stands alone."""
    tensor = tensor.removeprefix("text_model.")
    match = re.fullmatch(r"(.*\.attentions\.\d+)\.(query|key|value|proj_attn)\.(weight|bias)", tensor)
    return f"{match[1]}.{RENAMED[match[2]]}.{match[3]}" if match else tensor


def _is_of_encoder(tensor: str) -> bool:
    return tensor.startswith(ENCODER)


def _is_of_decoder(tensor: str) -> bool:
    return not tensor.startswith(ENCODER)


def tensor_hash(path: Path, wanted: Callable[[str], bool]) -> str:
    """SHA-256 hex over the tensors of a safetensors file whose name is ``wanted``; ValueError if it is none."""
    stat = path.stat()
    return _tensor_hash(path, wanted, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _tensor_hash(path: Path, wanted: Callable[[str], bool], _mtime: int, size: int) -> str:
    digest = hashlib.sha256()
    try:
        for name, kind, content in _tensors(path, wanted, size):
            digest.update(f"{name} {kind} {len(content)};".encode())
            digest.update(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged or no safetensors file: {error}") from None
    return digest.hexdigest()


def _tensors(path: Path, wanted: Callable[[str], bool], size: int) -> Iterator[tuple[str, str, bytes]]:
    """Name, type with shape, and bytes of wanted tensors, sorted by name: an 8-byte length, JSON, then the buffer."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(size - 8, _HEADER_LIMIT):
            raise ValueError("its header does not fit the file")
        table = json.loads(file.read(length))
        table.pop("__metadata__", None)
        if max((entry["data_offsets"][1] for entry in table.values()), default=0) != size - 8 - length:
            raise ValueError("it is cut short, or longer than its header says")
        named = {current_name(name): entry for name, entry in table.items()}
        for name, entry in sorted((name, entry) for name, entry in named.items() if wanted(name)):
            first, end = entry["data_offsets"]
            file.seek(8 + length + first)
            yield name, f"{entry['dtype']} {entry['shape']}", file.read(end - first)
