"""Weights of baofff/U-ViT, the paper's own code: in and out. Importing this package imports no torch.

``load`` recognises a checkpoint by its tensors' names and shapes and gives our network with those weights;
``to_official`` goes back, and ``save`` writes a file that the official code reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


def load(
    source: Mapping[str, Any] | str | Path,
    *,
    num_heads: int | None = None,
    null_label: bool | None = None,
    context_tokens: int | None = None,
) -> nn.Module:
    """Our network, in float32 on the CPU, with the weights of an official checkpoint.

    ``source`` is a state dict, or the path of a ``.pth`` (read with ``weights_only=True``) or ``.safetensors`` file;
    the network may lie inside (``{"ema": …}``, ``{"state_dict": …}``, names prefixed by ``module.``), EMA weights
    first. Sizes come from the shapes, which do not tell three things:

    - ``num_heads``: by default the paper's for its four widths (16 for U-ViT-H), else one for each 64 channels;
    - ``null_label``, whether the last label row is the null label of guidance: by default where there are 1,001 rows,
      as in the official guided networks;
    - ``context_tokens`` of a text-to-image network: by default 77.

    Raises FileNotFoundError, or ValueError in one line, where this is no such checkpoint or a damaged one.
    """
    from variants.official.convert import network
    from variants.official.files import read
    from variants.official.shapes import Told

    found = read(source)
    told = Told(num_heads=num_heads, null_label=null_label, context_tokens=context_tokens)
    return network(found.tensors, told.over(found.told), name=found.name)


def to_official(model: nn.Module) -> dict[str, Tensor]:
    """The official state dict of ``model``: its own tensors (no copies) under the official names.

    ``load`` of it is the same network bit for bit, given what shapes do not tell where that is not the default. Raises
    ValueError where the official code has no such network (``skip=add``, ``time=adaln``, a rival), naming the choice.
    """
    from variants.official.convert import check_exportable, config_of
    from variants.official.names import official_name

    check_exportable(config_of(model))
    return {official_name(name): value for name, value in model.state_dict().items()}


def save(model: nn.Module, path: str | Path) -> None:
    """Write ``to_official(model)`` to ``path``, whole or not at all: ``.safetensors``, else torch's own format.

    A safetensors file also keeps what shapes do not tell, and `load` reads it. Raises ValueError as `to_official` does.
    """
    from variants.official.convert import config_of
    from variants.official.files import write
    from variants.official.shapes import Told

    write(Path(path), to_official(model), Told.of(config_of(model)))
