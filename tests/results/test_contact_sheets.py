"""Contact sheets: written in one place and cut again in another, by one format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from results import contact_sheets
from results.contact_sheets import contact_sheet, last_sheet, open_sheet, sheet_path, sheets, tiles

CELL = "0123456789abcdef"


def write(root: Path, *, step: int, weights: str = "ema", sampler: str = "dpm_solver", nfe: int = 50) -> Path:
    """A sheet of 64 images of 8 pixels, image i of value 40 + i."""
    values = torch.arange(64, dtype=torch.uint8).view(64, 1, 1, 1) + 40
    path = sheet_path(root, CELL, step=step, weights=weights, sampler=sampler, nfe=nfe)
    contact_sheet(values.expand(64, 3, 8, 8), path)
    return path


def test_tiles_are_the_images_of_a_sheet(tmp_path: Path) -> None:
    sheet = open_sheet(write(tmp_path, step=3000))
    assert sheet is not None
    cut = tiles(sheet, 10)
    assert [tile.getpixel((0, 0)) for tile in cut] == [(40 + i,) * 3 for i in range(10)]
    assert {tile.size for tile in cut} == {(16, 16)}
    assert all(np.ptp(np.asarray(tile)) == 0 for tile in cut)  # nothing of a neighbour, nothing of the gap
    assert len(tiles(sheet, 100)) == 64


def test_a_sheets_name_says_how_its_images_were_drawn(tmp_path: Path) -> None:
    late, early = write(tmp_path, step=3000), write(tmp_path, step=20, sampler="ddim", nfe=4)
    write(tmp_path, step=3000, weights="raw")
    (late.parent / "step-12.png").write_bytes(b"not a sheet's name")
    first, *others = sheets([tmp_path], CELL)
    assert (first.path, first.step, first.how) == (early, 20, ("ema", "ddim4"))
    assert [sheet.how for sheet in others] == [("ema", "dpm_solver50"), ("raw", "dpm_solver50")]
    last = last_sheet([tmp_path], CELL, "ema")
    assert last is not None and last.path == late
    assert last_sheet([tmp_path], "f" * 16, "ema") is None


def test_grey_images_become_colour(tmp_path: Path) -> None:
    contact_sheet(torch.full((3, 1, 4, 4), 7, dtype=torch.uint8), tmp_path / "grey.png", columns=2)
    sheet = open_sheet(tmp_path / "grey.png")
    assert sheet is not None and sheet.size == (18, 18)
    assert (sheet.getpixel((0, 0)), sheet.getpixel((17, 17))) == ((7, 7, 7), (255, 255, 255))  # the fourth is missing


def test_what_is_no_sheet_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.png").write_text("not a picture")
    Image.new("RGB", (20, 20)).save(tmp_path / "large.png")
    monkeypatch.setattr(contact_sheets, "MAX_PIXELS", 399)
    assert [open_sheet(tmp_path / name) for name in ("text.png", "large.png", "absent.png")] == [None] * 3


def test_reading_of_sheets_starts_without_heavy_imports() -> None:
    code = "import sys, results.contact_sheets; sys.exit(bool({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
