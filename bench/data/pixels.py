"""From files to square uint8 pixels, and from one size to a smaller one.

Shapes: ``N`` images, ``C`` channels, ``S`` side, ``k`` the factor by which a side shrinks.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.data.dataset import Pixels
from bench.data.source import Recipe, content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from bench.data.source import Chunk

_ROWS = 4096  # images averaged at a time, so that the wide sums stay small
_DEEP_MODES = ("I", "F")  # 16-bit and float modes: Pillow would clip them to 255, not scale them


def area_mean(images: Pixels, size: int) -> Pixels:
    """Mean over k×k pixels, rounded half up: ``(N, C, S, S)`` to ``(N, C, size, size)``, with ``S = k·size``."""
    k = images.shape[-1] // size
    out = np.empty((*images.shape[:2], size, size), np.uint8)
    for start in range(0, len(images), _ROWS):
        rows = images[start : start + _ROWS]
        sums = np.full((*rows.shape[:2], size, size), k * k // 2, np.uint32)
        for y, x in product(range(k), repeat=2):
            sums += rows[:, :, y::k, x::k]
        out[start : start + _ROWS] = sums // (k * k)
    return out


def at_size(recipe: Recipe, size: int | None) -> Recipe:
    """``recipe`` at a smaller image size, with a fingerprint of its own; raises ValueError if ``size`` does not fit."""
    if size is None or size == recipe.image_size:
        return recipe
    native = recipe.image_size
    if size < 1 or native % size:
        halves = [str(native // k) for k in (1, 2, 4) if native % k == 0]
        raise ValueError(f"dataset {recipe.name}: image size must divide {native} ({', '.join(halves)}, …), got {size}")

    def decode() -> Iterator[Chunk]:
        for chunk in recipe.decode():
            yield chunk._replace(images=area_mean(chunk.images, size))

    shrunk = {"resize": f"mean over {native // size}x{native // size} pixels from {native}x{native}"}
    fingerprint = content_hash(recipe.fingerprint, f"area mean {size}")
    return replace(recipe, image_size=size, fingerprint=fingerprint, decode=decode, card=recipe.card | shrunk)


def read_rgb(path: Path) -> Image:
    """The image in ``path`` as 8-bit RGB, upright, transparency over white; raises ValueError naming the file."""
    from PIL import Image as images
    from PIL import ImageOps

    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", images.DecompressionBombWarning)
            image = ImageOps.exif_transpose(images.open(file))
            if image.mode.startswith(_DEEP_MODES):
                raise ValueError(f"its pixels have more than 8 bits (mode {image.mode}); convert it to 8 bits first")
            if "transparency" in image.info or image.mode in ("LA", "RGBA", "PA"):
                image = image.convert("RGBA")
                image = images.alpha_composite(images.new("RGBA", image.size, "white"), image)
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, images.DecompressionBombError) as error:
        raise ValueError(f"cannot read the image {path}: {error}") from error


def plain_rgb(data: bytes, where: str) -> Image:
    """An encoded image as RGB just as its pixels lie there, as papers' code reads it: EXIF turns nothing.

    Raises ValueError beginning with what is wrong and naming ``where``.
    """
    from PIL import Image as images

    try:
        return images.open(BytesIO(data)).convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, images.DecompressionBombError) as error:
        raise ValueError(f"cannot read the image {where}: {error}") from error


def square(image: Image, size: int) -> Image:
    """The largest centred square of ``image``, resized to ``size`` by antialiased bicubic interpolation."""
    from PIL.Image import Resampling

    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    cut = image.crop((left, top, left + side, top + side))
    return cut if side == size else cut.resize((size, size), Resampling.BICUBIC)


def channels_first(image: Image) -> Pixels:
    """``(3, H, W)`` of an RGB image."""
    return np.ascontiguousarray(np.asarray(image, np.uint8).transpose(2, 0, 1))
