"""``index.html`` as text: the Markdown page's numbers, nothing that loads, nothing that escapes; small and fast."""

from __future__ import annotations

import dataclasses
import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import reports
from reports.analysis import columns as cols
from reports.analysis.verdicts import Comparison
from reports.content.grid_report import grid_report
from reports.page import document
from reports.page.answers import answer
from reports.page.assets import embed, policy
from reports.page.inline_pictures import pictures
from reports.page.looks import looks
from reports.page.plotted import plotted
from reports.page.table_views import sort_number
from reports.views.grid import GridView
from tests.reports.calls import calls
from tests.reports.simulated import (
    cell_scores,
    identity,
    manifest,
    profile,
    record,
    skip_run,
    speed_record,
    speed_run,
    write_grid,
)  # fmt: skip

AXES = {
    "skip": ("linear_sum", "linear_skip", "add", "none"),
    "time": ("adaln",),
    "conv_head": ("before", "none"),
    "patch_embed": ("conv_stack",),
    "pos_embed": ("sincos_2d", "none"),
    "depth": ("9", "17"),
    "width": ("256", "768"),
    "patch": ("1", "4", "8"),
}


def data(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def body_cells(page: str, name: str) -> list[list[str]]:
    """Texts of a table's body, row by row."""
    table = re.search(rf'id="table-{name}".*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert table
    rows = re.findall(r"<tr.*?</tr>", table[1], re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> reports.Findings:
    store = skip_run(tmp_path_factory.mktemp("skip"), seeds=(0, 1, 2))
    store.write_profile(profile("add"))
    return reports.find(store.root)


def test_its_tables_are_the_markdown_tables(found: reports.Findings) -> None:
    (grid,) = found.grids
    assert body_cells(document(found), "skip") == [list(row) for row in grid_report(grid).arms.rows]


def test_every_number_of_a_score_has_its_card(found: reports.Findings) -> None:
    (grid,), page = found.grids, document(found)
    numbers = data(page)["numbers"]
    assert len(numbers) == len(grid.arms) * sum(
        cols.shown(grid, column) for column in grid_report(grid).analysis.columns
    )
    assert set(re.findall(r'data-card="([^"]+)"', page)) == set(numbers)
    card = next(number for number in numbers.values() if number["title"] == "add: FD-1K effnet-lite0 (ema)")
    facts = dict(data(page)["facts"][card["seeds"][0]["card"]])
    assert facts["samples"] == "1,000" and facts["network evaluations"] == "50"
    assert facts["extractor's weights (SHA-256)"] == "ab" * 32 and facts["floor (real images)"] == "21.43"
    assert [seed["train_id"] for seed in card["seeds"]] == [identity("add", seed) for seed in (0, 1, 2)]


def test_verdicts_stand_on_top_and_in_the_forest_plot(found: reports.Findings) -> None:
    (grid,) = found.grids
    report = grid_report(grid)
    add, none = (report.analysis.comparison.of(arm) for arm in grid.arms if arm.name in ("add", "none"))
    assert add is not None and none is not None

    def arm(like: Comparison, verdict: Any, difference: float, **more: Any) -> Comparison:
        interval = (difference - 0.001, difference + 0.001)
        return dataclasses.replace(like, verdict=verdict, difference=difference, interval=interval, note="", **more)

    arms = (arm(add, "worse", 0.005), arm(none, "unresolved", 0.0005, n_pairs=2, failed=1))
    compared = dataclasses.replace(report.analysis.comparison, why_none=None, comparisons=arms)
    analysis = dataclasses.replace(report.analysis, comparison=compared)
    given = dataclasses.replace(report, analysis=analysis, answer="concat beats add.", method="paired t")
    result = answer(given)
    assert (result.text, result.resolved) == ("concat beats add.", True)
    assert result.counts == [("worse", 1), ("unresolved", 1)]
    rows = plotted(given, result)["differences"]["rows"]
    assert rows[0]["text"] == "+0.00500 [+0.00400, +0.00600], 3 pairs of seeds"
    assert rows[1]["text"] == "+0.00050 [−0.00050, +0.00150], 2 pairs of seeds, 1 of 3 failed"
    assert [(row["arm"], row["verdict"]) for row in rows] == [(3, "worse"), (4, "unresolved")]
    silent = dataclasses.replace(compared, why_none="one seed", comparisons=())
    none_given = dataclasses.replace(given, analysis=dataclasses.replace(analysis, comparison=silent), answer="")
    assert answer(none_given).text == "No verdict: one seed" and not answer(none_given).resolved


def speed_page(root: Path, ratios: Mapping[str, Sequence[float]], **changes: Any) -> tuple[str, Any]:
    """The page of a grid that speed decides, and its plots."""
    page = document(reports.find(speed_run(root, ratios, **changes).root))
    return page, data(page)["grids"]["skip"]


def test_a_ratio_is_drawn_as_logarithms_on_an_axis_of_ratios(tmp_path: Path) -> None:
    ratios = {"concat": (1.0, 1.01, 0.99), "add": (0.80, 0.81, 0.80), "none": (1.3, 1.31, 1.29)}
    skill = {"concat": (-0.10, -0.11, -0.09), "add": (0.2, 0.2, 0.21), "none": (0.2, 0.2, 0.21)}
    page, plots = speed_page(tmp_path, ratios, skill=skill)
    forest = plots["differences"]
    assert forest["ratio"] and forest["axis"] == "R: times the baseline's steps (concat)"
    assert forest["margin"] == pytest.approx(math.log(1.1)) and forest["blocks"] == {}
    assert [row["verdict"] for row in forest["rows"]] == ["mixed", "worse"]
    assert forest["rows"][1]["mean"] == pytest.approx(math.log(1.3), abs=1e-3)
    assert forest["rows"][1]["text"].startswith("1.30 [1.29, 1.31], 3 pairs of seeds")
    assert '<li class="chip mixed">1 mixed</li>' in page and ".chip.mixed {" in page


def test_losses_stand_beside_the_linear_filter_whole_and_by_level(tmp_path: Path) -> None:
    skill = {"concat": (-0.10, -0.11), "add": (0.2, 0.21)}
    store = speed_run(tmp_path, {"concat": (1.0, 1.01), "add": (0.8, 0.81)}, skill=skill)
    for seed in (100, 101):
        store.write(speed_record("add", seed, 0.8, skill=0.2, scores=cell_scores("add", seed, (1000, 3000))))
    plots = data(document(reports.find(store.root)))["grids"]["skip"]
    losses = next(panel for panel in plots["curves"] if panel["title"].startswith("val loss"))
    assert losses["linear"] == pytest.approx(0.0375) and losses["linearText"] == "linear filter 0.03750"
    (levels,) = plots["levels"]
    assert [line["arm"] for line in levels["lines"]] == [0] and levels["lines"][0]["band"][0][0] == 0.2


def test_blocks_have_headings_and_looks_of_their_own(tmp_path: Path) -> None:
    arms = {f"{block}/{arm}": (1.0, 1.02) for block in ("eps", "v") for arm in ("concat", "add", "none")}
    training = {arm: {"prediction": arm[: arm.index("/")]} for arm in arms}
    _, plots = speed_page(tmp_path, arms, training=training)
    assert plots["differences"]["blocks"] == {"eps": "eps, against eps/concat", "v": "v, against v/concat"}
    assert [row["block"] for row in plots["differences"]["rows"]] == ["eps", "eps", "v", "v"]
    assert [arm["group"] for arm in plots["arms"]] == ["eps"] * 3 + ["v"] * 3
    looks = [(arm["look"], arm["marker"]) for arm in plots["arms"]]
    assert looks[1][0].split()[0] == looks[4][0].split()[0], "an arm has one colour in every block"
    assert len(set(looks[1:3] + looks[4:])) == 4


def test_write_puts_it_beside_the_markdown_page(found: reports.Findings, tmp_path: Path) -> None:
    paths = reports.write(found, tmp_path, plots=False)
    assert paths[0] == tmp_path / "report.md" and tmp_path / "index.html" in paths
    assert (tmp_path / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_equal_records_give_equal_pages(found: reports.Findings) -> None:
    assert document(found) == document(reports.find(found.folders))


def test_nothing_in_it_loads(found: reports.Findings) -> None:
    page = document(found)
    head = page[: page.index("<style>")]
    assert html.escape(policy(), quote=False).replace("'", "&#39;") in head
    assert "default-src 'none'" in policy() and "unsafe" not in policy() and "http" not in policy()
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "@import" not in page and "url(http" not in page


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "a\u2028b\u2029c", "&lt;", "\\", '"'])
def test_embedded_json_says_the_same_and_ends_no_element(text: str) -> None:
    embedded = str(embed({text: [text]}))
    assert json.loads(embedded) == {text: [text]}
    assert not re.search("[<>&\u2028\u2029]", embedded)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.05512 ± 0.00048", 0.05512),
        ("−0.00158 ± 0.00127", -0.00158),
        ("+0.31", 0.31),
        ("1,600", 1600),
        ("44.26M (=)", 44.26e6),
        ("700.0k (−12.3%)", 700e3),
        ("3.00 GiB", 3 * 2**30),
        ("100.00%", 100),
        ("baseline", 0),
        ("–", None),
        ("2 better", 2),
        ("", None),
    ],
)
def test_cells_sort_by_their_number(text: str, number: float | None) -> None:
    assert sort_number(text) == (None if number is None else pytest.approx(number))


def sheet(path: Path, *, size: int = 32) -> None:
    """A contact sheet as ``results.contact_sheets`` writes it: 8 x 8 noise pictures at scale 2, 2 pixels apart."""
    side = 8 * (2 * size + 2) - 2
    pixels = np.random.default_rng(0).integers(0, 255, (side // 8 + 1, side // 8 + 1, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).resize((side, side)).save(path)


def test_samples_of_one_seed_stand_side_by_side(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=(0, 1))
    for arm in ("concat", "add", "none"):
        sheet(tmp_path / "samples" / identity(arm, 1) / "step-00001000-ema-dpm_solver20.png")
        sheet(tmp_path / "samples" / identity(arm, 1) / "step-00003000-ema-dpm_solver20.png")
    (tmp_path / "samples" / identity("none", 1) / "step-00003000-ema-dpm_solver20.png").write_bytes(b"\x89PNG damaged")
    found = pictures(reports.find(store.root))["skip"]
    assert [picture.title for picture in found] == [
        f"{arm} · step 3,000, EMA weights, dpm_solver20, seed 1" for arm in ("concat", "add")
    ]
    assert found[0].source.startswith("data:image/webp;base64,")
    assert (found[0].width, found[0].height) == (526, 196)  # three rows of eight
    assert document(reports.find(store.root)).count("<img") == 2


def test_pictures_keep_the_page_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = skip_run(tmp_path, seeds=(0,))
    for arm in ("concat", "add"):
        sheet(tmp_path / "samples" / identity(arm, 0) / "step-00003000-ema-dpm_solver20.png", size=256)
    first, _ = pictures(reports.find(store.root))["skip"]
    assert first.width == 560 and len(first.source) < 130_000
    monkeypatch.setattr("reports.page.inline_pictures.MAX_BYTES", len(first.source) + 10)
    assert pictures(reports.find(store.root))["skip"] == [first]


def paper_run(root: Path) -> GridView:
    """The grid ``paper`` with three seeds: 18 arms, a score at every fiftieth of the training."""
    arms: list[dict[str, Any]] = [{"arm": "default", "variant": "uvit-s/2"}]
    arms += [{"arm": f"{a}={o}", "variant": f"uvit-s/2+{a}={o}"} for a, options in AXES.items() for o in options]
    for arm in arms:
        arm["cells"] = [{"seed": seed, "train_id": identity(arm["arm"], seed)} for seed in (0, 1, 2)]
    store = skip_run(root, seeds=())
    (root / "grids" / "skip.json").unlink()
    named = {"name": "paper", "baseline": "default", "reference": "Fig2", "arms": arms}
    write_grid(store, "paper", manifest(arms=()) | named)
    for arm in arms:
        axis, _, option = arm["arm"].partition("=")
        for seed in (0, 1, 2):
            like = record("add", seed)
            store.write(record("add", seed, train_id=identity(arm["arm"], seed), variant=arm["variant"],
                               options={axis: option} if option else {}, scores=like.scores))  # fmt: skip
    return reports.find(root).grids[0]


def test_the_grid_paper_is_small_and_quick_and_tells_its_arms_apart(tmp_path: Path) -> None:
    grid = paper_run(tmp_path)
    findings = reports.find(tmp_path)
    assert calls(lambda: document(findings)) < 1_250_000  # 986,198 counted
    page = document(findings)
    assert len(page.encode()) < 1_000_000  # pictures come on top; 5 MB in all
    found = looks(grid)
    assert len({(look.colour, look.marker, look.dash) for look in found.values()}) == len(grid.arms)


def test_a_grid_that_has_only_begun_has_a_page(tmp_path: Path) -> None:
    store = skip_run(tmp_path, seeds=())
    write_grid(store, "skip", manifest(seeds=(0, 1)))
    page = document(reports.find(tmp_path))
    assert "0 of 10 cells on record" in page and "2/2 pending" in page
    store.write(record("add", 0))
    assert "1 of 10 cells on record" in document(reports.find(tmp_path))
