"""Heat maps of CKA from records alone: what is drawn, what is said, and reports with and without them."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reports import find, render
from reports.analysis.cka import NamedCka, of_grid, summary
from reports.formats.markdown import document
from reports.pictures import cka_maps
from reports.pictures.gallery import gallery
from results import Store
from tests.reports.simulated import cka, record, skip_run


def _run(root: Path, *records: object) -> Store:
    store = skip_run(root, seeds=(0, 1), arms=("concat", "add", "none"))
    for item in records:
        store.write_cka(item)  # type: ignore[arg-type]
    return store


def test_a_report_shows_the_maps_of_its_arms_side_by_side(tmp_path: Path) -> None:
    _run(tmp_path, cka("none"), cka("concat"), cka("add"))
    findings = find(tmp_path)
    shown = gallery(findings)
    text, (item,) = document(findings, {}, shown), shown["skip"]
    assert "![CKA between the blocks of the arms of grid skip](plots/cka-skip.png)" in text
    assert text.index("blocks, concat:") < text.index("blocks, add:") < text.index("blocks, none:")
    assert "neighbouring blocks 0.900, all pairs 0.800, lowest 0.600 (blocks 1 and 5)" in text
    assert "standard error at most 0.011" in text
    assert "EMA weights at step 3,000 on 1,024 images of photos:held" in text
    with Image.open(io.BytesIO(item.files["plots/cka-skip.png"])) as image:
        assert image.width == pytest.approx(6.8 * 300, abs=2)
    svg = item.files["plots/cka-skip.svg"].decode()
    assert all(name in svg for name in ("concat", "none", "block", "CKA of EMA weights at step 3,000 on 1,024 images"))


def test_without_records_of_it_there_is_no_map(tmp_path: Path) -> None:
    _run(tmp_path)
    findings = find(tmp_path)
    assert not any(gallery(findings).values())


def test_a_damaged_record_is_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    _run(tmp_path, cka("concat"))
    (tmp_path / "cka" / f"{'1' * 16}.json").write_text("{")
    found = find(tmp_path)
    assert any("cka/1111111111111111.json" in problem for problem in found.problems)
    assert len(gallery(found)["skip"]) == 1


def test_records_of_no_grid_are_shown_under_their_variant(tmp_path: Path) -> None:
    Store(tmp_path).write_cka(cka("add"))
    page = render(tmp_path).paths[0]
    assert "![CKA between the blocks of cells of no grid](plots/cka.png)" in page.read_text()
    assert "uvit-micro-deep/4+skip=add" in page.read_text()


def test_one_figure_holds_what_was_measured_alike(tmp_path: Path) -> None:
    odd = cka("none", times=[0.3], maps=[[[1.0]]], errors=[None])
    _run(tmp_path, cka("concat"), cka("none"), cka("add"), odd)
    (grid,) = find(tmp_path).grids
    items = of_grid(grid, find(tmp_path).cka)
    assert [item.name for item in items] == ["concat", "add", "none"]
    assert {len(item.record.times) for item in items} == {2}


def test_the_lowest_seed_and_the_last_step_are_shown(tmp_path: Path) -> None:
    second = cka("concat", train_id=record("concat", 1).train_id, seed=1)
    early = cka("concat", step=1500)
    _run(tmp_path, second, cka("concat"), early)
    findings = find(tmp_path)
    (item,) = of_grid(findings.grids[0], findings.cka)
    assert (item.record.seed, item.record.step) == (0, 3000)


def test_higher_cka_is_lighter_on_one_scale_for_all() -> None:
    """The picture itself: with a shared scale, the corner of the map whose lowest CKA is higher is lighter."""
    drawn = cka_maps.draw([_labelled("concat"), _labelled("none")], "x")
    with Image.open(io.BytesIO(drawn["x.png"])) as image:
        grey = np.asarray(image.convert("L"), dtype=float)
    left, right = grey[200:800, 200:800], grey[200:800, 1150:1750]  # inside the two maps
    assert left.min() < 100
    assert right.min() > 150


def _labelled(arm: str) -> NamedCka:
    return NamedCka(name=arm, record=cka(arm))


@pytest.mark.parametrize("count", [1, 4])
def test_any_number_of_maps_is_drawn(count: int) -> None:
    drawn = cka_maps.draw([_labelled("concat")] * count, "many")
    assert list(drawn) == ["many.png", "many.svg", "many.pdf"]
    assert cka_maps.draw([], "none") == {}


def test_text_from_records_is_data(tmp_path: Path) -> None:
    Store(tmp_path).write_cka(cka("add", variant="<b>$x$|*y*", split="a\nb"))
    text = render(tmp_path).paths[0].read_text()
    assert "<b>" not in text
    assert "a b" in text


def test_a_network_of_one_block_has_no_pair() -> None:
    said = summary(cka("add", maps=[[[1.0]], [[1.0]]]))
    assert (said.neighbours, said.pairs, said.lowest) == (1.0, 1.0, 1.0)


def test_maps_are_drawn_without_torch(tmp_path: Path) -> None:
    Store(tmp_path).write_cka(cka("add"))
    code = f"import sys, reports; reports.render({str(tmp_path)!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path.cwd()).returncode == 0
