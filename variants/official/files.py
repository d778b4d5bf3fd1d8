"""Reading official checkpoints: a file or a state dict, nested as training code leaves them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from variants.official.shapes import Told

if TYPE_CHECKING:
    from torch import Tensor

# Where networks lie in a checkpoint, in order of preference: EMA weights are the ones that are meant to be used.
_NESTS = ("ema", "nnet_ema", "model_ema", "ema_state_dict", "state_dict", "nnet", "model", "module")
_ANCHOR = "patch_embed.proj.weight"
_DEEPEST = 3
_METADATA = "uvit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The tensors of one network under their official names, where they came from, and what the file says of itself."""

    name: str
    tensors: dict[str, Tensor]
    told: Told


def read(source: Mapping[str, Any] | str | Path) -> Found:
    """The network in ``source``. Raises FileNotFoundError, or ValueError in one line where there is none."""
    if isinstance(source, Mapping):
        return _found(source, "the state dict", Told())
    path = Path(source).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"no file {path}; expected an official checkpoint such as cifar10_uvit_small.pth")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the file in it, such as nnet_ema.pth")
    if path.suffix == ".safetensors":
        content, told = _read_safetensors(path)
    else:
        content, told = _read_pickle(path), Told()
    return _found(content, str(path), told)


def write(path: Path, tensors: Mapping[str, Tensor], told: Told) -> None:
    """Write an official state dict to ``path``: safetensors, which keeps ``told`` too, or else torch's format."""
    import json

    import torch
    from safetensors.torch import save_file

    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.suffix == ".safetensors":
            save_file(plain, temporary, metadata={_METADATA: json.dumps(told.given())})
        else:
            torch.save(plain, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read_safetensors(path: Path) -> tuple[dict[str, Any], Told]:
    import json

    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            content = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        return content, Told(**json.loads(metadata.get(_METADATA, "{}")))
    except (SafetensorError, ValueError, TypeError):
        raise ValueError(f"{path} is damaged, or no safetensors file; download it again") from None


def _read_pickle(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError:
        raise
    except Exception as error:  # a damaged file raises almost anything, OSError among it
        kind = type(error).__name__
        raise ValueError(
            f"{path} cannot be read as tensors alone ({kind}): damaged, or no checkpoint; download it again"
        ) from None


def _found(content: Any, name: str, told: Told) -> Found:
    tensors = _network(content)
    if tensors is None:
        raise ValueError(f"{name}: not the weights of a baofff/U-ViT network: there is no tensor '{_ANCHOR}'")
    _check_tensors(tensors, name)
    return Found(name=name, tensors=tensors, told=told)


def _network(content: Any, depth: int = 0) -> dict[str, Any] | None:
    """The entries of the network in ``content``, without the prefix that they share."""
    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return None
    prefixes = [str(key).removesuffix(_ANCHOR) for key in content if str(key).endswith(_ANCHOR)]
    if prefixes:
        prefix = min(prefixes, key=lambda text: ("ema" not in text, len(text)))
        return {str(key).removeprefix(prefix): each for key, each in content.items() if str(key).startswith(prefix)}
    inside = (_network(content[key], depth + 1) for key in _NESTS if key in content)
    return next((tensors for tensors in inside if tensors is not None), None)


def _check_tensors(tensors: Mapping[str, Any], name: str) -> None:
    import torch

    for key, value in tensors.items():
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            got = value.dtype if isinstance(value, torch.Tensor) else type(value).__name__
            raise ValueError(f"{name}: '{key}' should be a tensor of floating-point numbers; got {got}")
        if not bool(value.isfinite().all()):
            raise ValueError(f"{name}: '{key}' holds numbers that are not finite; the weights are damaged")
