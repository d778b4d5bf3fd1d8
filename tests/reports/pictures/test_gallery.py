"""Pictures of samples: arms side by side, one arm over steps, nearest neighbours; and reports without their files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reports import find
from reports.formats.markdown import document
from reports.page import document as index
from reports.page.inline_pictures import large_pictures, pictures
from reports.pictures.gallery import gallery
from reports.pictures.samples import arms_picture, steps_picture
from reports.pictures.strips import SIDE, Strip, picture
from results.contact_sheets import contact_sheet
from tests.reports.simulated import cka, identity, manifest, neighbours, skip_run, write_grid

ARMS = ("concat", "add", "none")
GREY = {"concat": 40, "add": 120, "none": 200}


def _sheet(
    root: Path, arm: str, *, seed: int = 0, step: int = 3000, how: str = "ema-dpm_solver50", grey: int = 0
) -> Path:
    """A contact sheet of 64 images of 8 pixels, image i of value grey + i."""
    values = torch.arange(64, dtype=torch.uint8).view(64, 1, 1, 1) + (grey or GREY[arm])
    path = root / "samples" / identity(arm, seed) / f"step-{step:08d}-{how}.png"
    contact_sheet(values.expand(64, 3, 8, 8), path)
    return path


def _written(root: Path) -> tuple[str, dict[str, bytes]]:
    """The text of the report and its pictures by path, without the plots, which take seconds."""
    findings = find(root)
    shown = gallery(findings)
    files = {path: content for items in shown.values() for item in items for path, content in item.files.items()}
    return document(findings, {}, shown), files


def _pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("L"))


def _column(png: bytes, x: int = -30) -> list[int]:
    """The values down a column of the picture, each once in a row; white between images left out."""
    values = [int(v) for v in _pixels(png)[:, x] if v < 255]
    return [v for i, v in enumerate(values) if i == 0 or values[i - 1] != v]


def test_arms_stand_below_each_other_from_one_noise(tmp_path: Path) -> None:
    skip_run(tmp_path, arms=ARMS)
    for arm in ARMS:
        for seed in (0, 1):
            _sheet(tmp_path, arm, seed=seed, grey=GREY[arm] + 5 * seed)
    text, files = _written(tmp_path)
    assert "![Samples of the arms of grid skip](pictures/skip-arms.png)" in text
    assert (
        "samples of the arms at step 3,000, EMA weights, dpm\\_solver50, seed 0: one column, one noise"
        in text.replace("dpm_solver", "dpm\\_solver")
    )
    png = files["pictures/skip-arms.png"]
    assert _column(png) == [grey + i for grey in (40, 120, 200) for i in (7, 15)]  # the last of two rows of eight


def test_only_what_was_drawn_alike_stands_together(tmp_path: Path) -> None:
    """One step, weights and sampler: the one that most arms have, then the latest, then the grid's own."""
    store = skip_run(tmp_path, arms=ARMS, seeds=(0,))
    own = {"draws": [{"sampler": "dpm_solver", "nfe": 50}], "sweep": [], "left_out": []}
    write_grid(store, "skip", manifest(ARMS, (0,), evaluation=own))
    for arm in ARMS:
        _sheet(tmp_path, arm, step=1000, grey=1)
        _sheet(tmp_path, arm, step=2000, how="ema-euler_maruyama99", grey=2)
        _sheet(tmp_path, arm, step=2000, grey=3)
    _sheet(tmp_path, "concat", step=3000, grey=4)
    (grid,) = find(tmp_path).grids
    found = arms_picture(grid, [tmp_path])
    assert found is not None
    assert "step 2,000, EMA weights, dpm_solver50" in found.lines[0]
    assert _column(found.png) == [10, 18, 10, 18, 10, 18]


def test_arms_without_samples_are_named(tmp_path: Path) -> None:
    skip_run(tmp_path, arms=ARMS)
    _sheet(tmp_path, "concat")
    (grid,) = find(tmp_path).grids
    assert arms_picture(grid, [tmp_path]) is None  # one arm has nothing beside it
    _sheet(tmp_path, "none")
    found = arms_picture(grid, [tmp_path])
    assert found is not None
    assert found.lines[1] == "without such samples: add"


def test_one_arm_over_its_steps_is_the_baseline(tmp_path: Path) -> None:
    skip_run(tmp_path, arms=ARMS)
    for step in range(500, 6500, 500):
        _sheet(tmp_path, "concat", step=step, grey=step // 100)
    for step in (1000, 2000):
        _sheet(tmp_path, "add", step=step)
    text, files = _written(tmp_path)
    png = files["pictures/skip-steps.png"]
    shown = [value - 7 for value in _column(png)]
    assert len(shown) == 8
    assert (shown[0], shown[-1]) == (5, 60)
    assert shown == sorted(shown)
    assert "samples of concat over training, EMA weights" in text


def test_scores_stand_beside_the_samples_that_they_score(tmp_path: Path) -> None:
    """With the score, the row's label is taller than without: the picture of a wrong sampler has none."""
    skip_run(tmp_path, arms=ARMS)
    for step in (1000, 2000):
        _sheet(tmp_path, "concat", step=step)
        _sheet(tmp_path, "add", step=step, how="ema-ddim9")
    (grid,) = find(tmp_path).grids
    scored = steps_picture(grid, [tmp_path])
    assert scored is not None
    assert (_pixels(scored.png)[30:50, :80] < 200).sum() > 20
    (tmp_path / "samples" / identity("concat", 0)).rename(tmp_path / "gone")
    plain = steps_picture(grid, [tmp_path])
    assert plain is not None
    assert (_pixels(plain.png)[30:50, :80] < 200).sum() == 0


@pytest.mark.parametrize("content", [b"", b"not a picture", None], ids=["empty", "text", "cut"])
def test_broken_sheets_are_left_out(tmp_path: Path, content: bytes | None) -> None:
    skip_run(tmp_path, arms=ARMS)
    paths = [_sheet(tmp_path, arm) for arm in ARMS]
    paths[0].write_bytes(paths[0].read_bytes()[:200] if content is None else content)
    (grid,) = find(tmp_path).grids
    found = arms_picture(grid, [tmp_path])
    assert found is not None
    assert _column(found.png) == [grey + i for grey in (120, 200) for i in (7, 15)]


def test_without_files_a_report_has_no_pictures(tmp_path: Path) -> None:
    skip_run(tmp_path, arms=ARMS)
    text, files = _written(tmp_path)
    assert "pictures/" not in text
    assert not files


def test_neighbours_are_shown_with_their_distances(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=ARMS)
    item = neighbours("concat")
    store.write_neighbours(item)
    store.write_neighbours(neighbours("add", distances=[[1.0, 14.0]] * 10))
    values = torch.arange(48, dtype=torch.uint8).view(48, 1, 1, 1).expand(48, 3, 8, 8)
    contact_sheet(values, tmp_path / "neighbours" / f"{item.neighbours_id}.png", columns=6)
    text, files = _written(tmp_path)
    assert "![Samples of grid skip beside their nearest training images](pictures/skip-neighbours.png)" in text
    assert "training images, concat: median distance 16.5 of 10 samples, 14.5 of 10 held-out images, ratio 1.14" in text
    assert "0 samples (0.0%) below 10, under which 5% of the held-out images lie" in text
    assert "images, add: median distance 1 of 10 samples" in text
    assert "10 samples (100.0%)" in text
    assert _column(files["pictures/skip-neighbours.png"]) != []


def test_neighbours_without_their_sheet_are_told(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=ARMS)
    store.write_neighbours(neighbours("none"))
    text, files = _written(tmp_path)
    assert "nearest training images, none:" in text
    assert "skip-neighbours.png" not in text
    assert not files


def test_a_damaged_search_is_named(tmp_path: Path) -> None:
    skip_run(tmp_path, arms=ARMS)
    (tmp_path / "neighbours").mkdir()
    (tmp_path / "neighbours" / f"{'3' * 16}.json").write_text("[]")
    assert any("neighbours/3333333333333333.json" in problem for problem in find(tmp_path).problems)


def test_a_few_shown_of_one_sample_make_no_error(tmp_path: Path) -> None:
    one = neighbours("concat", distances=[[1.0, 2.0]], rows=[[0, 1]], shown=[0], held_out_shown=[])
    store = skip_run(tmp_path, arms=ARMS)
    store.write_neighbours(one)
    sheet = torch.full((48, 3, 8, 8), 90, dtype=torch.uint8)
    contact_sheet(sheet, tmp_path / "neighbours" / f"{one.neighbours_id}.png", columns=6)
    assert "pictures/skip-neighbours.png" in _written(tmp_path)[1]


def test_large_images_are_averaged_and_small_ones_keep_their_pixels() -> None:
    chequered = Image.fromarray((np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)).convert("RGB")
    tiny = Image.fromarray(np.array([[0, 255], [255, 0]], dtype=np.uint8)).convert("RGB")
    drawn = _pixels(picture([Strip(label="x", rows=[[chequered, tiny]])]))
    large, small = drawn[-8 - SIDE : -8, -8 - 2 * SIDE - 2 : -8 - SIDE - 2], drawn[-8 - SIDE : -8, -8 - SIDE : -8]
    assert set(np.unique(large)) <= {127, 128}
    assert set(np.unique(small)) == {0, 255}
    assert (np.diff(small.astype(int), axis=1) != 0).any(axis=0).sum() == 1


def test_labels_may_hold_anything(tmp_path: Path) -> None:
    named = manifest(ARMS)
    named["arms"][1]["arm"] = "<i>\x1b[31m" + "é漢" * 40
    write_grid(skip_run(tmp_path, arms=ARMS), "skip", named)
    for arm in ARMS:
        _sheet(tmp_path, arm)
    text, files = _written(tmp_path)
    assert "pictures/skip-arms.png" in files
    assert "<i>" not in text


def test_the_page_has_the_larger_pictures_in_the_room_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = skip_run(tmp_path, arms=ARMS)
    for step in (1000, 3000):
        for arm in ARMS:
            _sheet(tmp_path, arm, step=step)
    store.write_cka(cka("concat"))
    findings = find(tmp_path)
    shown = gallery(findings)
    page = index(findings, shown=shown)
    assert page.count("<img") == 3 + 2  # an arm each; over steps and the map, and not the arms once more
    assert 'alt="CKA between the blocks of the arms of grid skip"' in page
    assert "Pictures" not in index(findings)
    beside = pictures(findings)
    assert len(large_pictures(shown, beside={})["skip"]) == 3  # with the arms, where no samples stand already
    first, _ = large_pictures(shown, beside=beside)["skip"]
    used = sum(len(picture.source) for picture in beside["skip"])
    monkeypatch.setattr("reports.page.inline_pictures.MAX_BYTES", used + len(first.source) + 10)
    assert large_pictures(shown, beside=beside)["skip"] == [first]
