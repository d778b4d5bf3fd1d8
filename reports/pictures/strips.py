"""Rows of small images with a label each, as one PNG: what pictures of samples are made of."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE, GAP, MARGIN = 64, 2, 8  # pixels: an image, between two, around all
TEXT, SMALL = 15, 12  # pixels of a letter's height
INK, QUIET = "#000000", "#5A5A5A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One or more rows of images under one label; ``notes`` are quieter lines below it."""

    label: str
    notes: tuple[str, ...] = ()
    rows: Sequence[Sequence[Image]]
    captions: Sequence[Sequence[str]] = ()  # of the images, below each; by row, or none


def picture(strips: Sequence[Strip], *, heading: Sequence[str] = ()) -> bytes:
    """``strips`` below each other as a PNG, labels on the left, ``heading`` (column texts) on top."""
    from PIL import Image, ImageDraw

    left = MARGIN + max(_width(strip) for strip in strips) + MARGIN
    columns = max(len(row) for strip in strips for row in strip.rows)
    top = MARGIN + (SMALL + 6 if heading else 0)
    heights = [_height(strip) for strip in strips]
    size = (left + columns * (SIDE + GAP) - GAP + MARGIN, top + sum(heights) + MARGIN * len(strips))
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for column, text in enumerate(heading):
        draw.text((left + column * (SIDE + GAP), MARGIN), text, fill=QUIET, font=_font(SMALL))
    for strip, height in zip(strips, heights, strict=True):
        _paste(sheet, draw, strip, left, top)
        top += height + MARGIN
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _paste(sheet: Image, draw: Any, strip: Strip, left: int, top: int) -> None:
    draw.text((MARGIN, top), strip.label, fill=INK, font=_font(TEXT))
    for number, note in enumerate(strip.notes):
        draw.text((MARGIN, top + TEXT + 5 + number * (SMALL + 4)), note, fill=QUIET, font=_font(SMALL))
    for number, row in enumerate(strip.rows):
        y = top + number * _row_height(strip)
        for column, image in enumerate(row):
            sheet.paste(fitted(image), (left + column * (SIDE + GAP), y))
        for column, text in enumerate(strip.captions[number] if strip.captions else ()):
            draw.text((left + column * (SIDE + GAP), y + SIDE + 1), text, fill=QUIET, font=_font(SMALL))


def fitted(image: Image) -> Image:
    """``image`` at SIDE pixels: whole pixels where it is enlarged, averaged where it is reduced."""
    from PIL import Image as Pillow

    method = Pillow.Resampling.NEAREST if image.width <= SIDE else Pillow.Resampling.BOX
    return image.resize((SIDE, SIDE), method)


def _row_height(strip: Strip) -> int:
    return SIDE + (SMALL + 6 if strip.captions else GAP)


def _height(strip: Strip) -> int:
    words = TEXT + 5 + len(strip.notes) * (SMALL + 4)
    return max(words, len(strip.rows) * _row_height(strip) - (0 if strip.captions else GAP))


def _width(strip: Strip) -> int:
    lines = [(strip.label, TEXT), *((note, SMALL) for note in strip.notes)]
    return max(int(_font(size).getlength(text)) + 1 for text, size in lines)


@cache
def _font(size: int) -> Any:
    """The plots' own font, which has most scripts."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", size)
