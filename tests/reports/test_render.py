"""``reports.render``: from records alone to tables and plots; on partial, failed, mixed and hostile folders."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import logging
from pathlib import Path
from typing import Any

import pytest

import reports
from reports import Rendered
from reports.page.cards import card_facts
from results import Record, Store
from results.metrics import describe
from tests.reports.simulated import FD, FORMULAS, cell_scores, manifest, record, skip_run, write_grid


@pytest.fixture(scope="module")
def skip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rendered]:
    folder = tmp_path_factory.mktemp("skip")
    store = skip_run(folder)
    error = "the training loss was nan at step 1750"
    scores = cell_scores("none", 1, range(250, 1501, 250))
    store.write(record("none", 1, status="diverged", error=error, scores=scores))
    return folder, render(folder, width=200)


def render(dirs: Any, out: Path | None = None, **options: Any) -> Rendered:
    """Without plots, which take a second each and have tests of their own."""
    return reports.render(dirs, out, plots=False, **options)


def figures(rendered: Rendered) -> dict[str, dict[str, str]]:
    """The first grid's CSV, a row an arm."""
    path = next(path for path in rendered.paths if path.suffix == ".csv")
    with path.open(newline="", encoding="utf-8") as file:
        return {row["arm"]: row for row in csv.DictReader(file)}


def page(rendered: Rendered) -> str:
    return rendered.paths[0].read_text(encoding="utf-8")


def value(arm: str, seed: int, metric: str, weights: str) -> float:
    wanted = (3000, metric, weights)
    (found,) = [s.value for s in record(arm, seed).scores if (s.step, s.metric, s.weights) == wanted]
    assert found is not None
    return found


def test_mean_spread_and_paired_difference(skip: tuple[Path, Rendered]) -> None:
    rows = figures(skip[1])
    assert list(rows) == list(FORMULAS)
    base = [value("concat", seed, "val_loss", "raw") for seed in (0, 1)]
    add = [value("add", seed, "val_loss", "raw") for seed in (0, 1)]
    assert float(rows["add"]["val_loss raw mean"]) == pytest.approx(sum(add) / 2)
    assert float(rows["add"]["val_loss raw std"]) == pytest.approx(abs(add[0] - add[1]) / 2**0.5)
    assert rows["add"]["val_loss raw n"] == "2"
    differences = [a - b for a, b in zip(add, base, strict=True)]
    assert float(rows["add"]["delta val_loss raw mean"]) == pytest.approx(sum(differences) / 2)
    spread = abs(differences[0] - differences[1]) / 2**0.5
    assert float(rows["add"]["delta val_loss raw std"]) == pytest.approx(spread)
    assert rows["concat"]["delta val_loss raw mean"] == ""
    assert int(rows["add"]["delta_params"]) == -98_304


def test_each_arm_has_an_interval_of_its_mean(skip: tuple[Path, Rendered]) -> None:
    rows, metric = figures(skip[1]), describe("val_loss")
    seeds = [value("add", seed, "val_loss", "raw") for seed in (0, 1)]
    half = 12.7062 * abs(seeds[0] - seeds[1]) / 2  # t of one degree of freedom times the standard error
    low, high = sum(seeds) / 2 - half, sum(seeds) / 2 + half
    found = [float(rows["add"][f"val_loss raw {end}"]) for end in ("low", "high")]
    assert found == pytest.approx([low, high], rel=1e-4)
    assert f"{metric.format(low)} to {metric.format(high)}" in page(skip[1])
    assert (rows["none"]["val_loss raw low"], rows["none"]["val_loss raw high"]) == ("", "")  # one survivor
    assert "of the mean" in skip[1].text


def test_single_seeds_have_no_interval_column(tmp_path: Path) -> None:
    skip_run(tmp_path, seeds=[0])
    assert "95% interval<br>" not in page(rendered := render(tmp_path)) and "95% interval" not in rendered.text


def test_a_failed_seed_leaves_the_mean_and_is_listed(skip: tuple[Path, Rendered]) -> None:
    rows, rendered = figures(skip[1]), skip[1]
    assert (rows["none"]["val_loss raw n"], rows["none"]["n_ok"], rows["none"]["n_diverged"]) == ("1", "1", "1")
    assert float(rows["none"]["val_loss raw mean"]) == value("none", 0, "val_loss", "raw")
    assert rows["none"]["val_loss raw std"] == ""
    for text in (rendered.text, page(rendered)):
        assert "1/2 ok, 1/2 diverged" in text
        assert "none, seed 1: diverged (the training loss was nan at step 1750)" in text
    assert "(1 paired)" in rendered.text


def test_the_text_shows_all_that_is_asked(skip: tuple[Path, Rendered]) -> None:
    text = skip[1].text
    for part in (
        "How should a long skip be fused", "val loss ↓", "(raw)", "Δ vs", "FD-1K ↓", "KD-1K ↓", "Precision-1K ↑",
        "params", "MACs", "2/2 ok", "798.3k", "700.0k (−12.3%)", "floor: real images", "21.43",
        "95% interval", "unresolved", "(Bonferroni)", "paper †", "8.99", "not comparable in value", "step 3,000",
        "baseline concat", "10 of 10 cells",
    ):  # fmt: skip
        assert part in text, part
    assert max(map(len, text.splitlines())) <= 200


@pytest.mark.parametrize("width", [40, 80, 120, 400])
def test_a_terminal_of_any_width_loses_nothing(skip: tuple[Path, Rendered], width: int, tmp_path: Path) -> None:
    text = render(skip[0], tmp_path, width=width).text
    table = [line for line in text.splitlines() if "report:" not in line]
    assert max(map(len, table)) <= width
    for figure in ("1/2 diverged", "21.43", "8.99", "0.610", "2/2 ok", "linear_skip"):
        assert figure in text


def test_blocks_of_columns_stay_together(skip: tuple[Path, Rendered], tmp_path: Path) -> None:
    lines = render(skip[0], tmp_path, width=190).text.splitlines()
    first, *_, last = [line for line in lines if line.startswith("linear_skip  ")]
    assert first.split()[-2:] == ["2/2", "ok"]
    assert last.split()[-2:] == ["7.56", "same"]


def test_scores_of_a_failed_cell_enter_no_mean(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=["concat", "add"])
    store.write(record("add", 1, status="error", error="RuntimeError: after the last score"))
    assert figures(render(tmp_path))["add"]["val_loss raw n"] == "1"


def test_score_cards_and_provenance_stand_in_the_page(skip: tuple[Path, Rendered]) -> None:
    text = page(skip[1])
    assert "FD-1K effnet-lite0 (ema), KD-1K effnet-lite0 (ema)" in text
    assert "1,000 samples, dpm_solver 50 NFE, guidance 1.0, effnet-lite0 sha256 abababab" in text
    assert "reference photos:train (50,000 images, sha256 cdcdcdcd)" in text
    assert "commit 0123456789 · torch 2.14.1 · device cpu" in text
    assert "None" not in text


def test_data_is_json(skip: tuple[Path, Rendered]) -> None:
    (grid,) = json.loads(json.dumps(skip[1].data, allow_nan=False))["grids"]
    assert (grid["name"], grid["endpoint"]["step"]) == ("skip", 3000)
    assert grid["verdict"].startswith("On val loss (raw weights), linear_skip (+0.00220) and add (+0.00505) are worse")
    verdicts = {arm["arm"]: arm["verdict"] for arm in grid["arms"]}
    assert (verdicts["add"], verdicts["linear_sum"]) == ("worse", "unresolved")
    assert [arm["arm"] for arm in grid["arms"]] == list(FORMULAS)


@pytest.mark.parametrize(
    ("status", "seeds", "reason"),
    [
        ("ok", [0], "one seed cannot tell an arm's effect from chance"),
        ("diverged", [0, 1], "the baseline concat has no finished cell to compare with"),
    ],
)
def test_no_verdict_and_why(tmp_path: Path, status: str, seeds: list[int], reason: str) -> None:
    store = skip_run(tmp_path, seeds=seeds, arms=["concat", "add"])
    for seed in seeds:
        store.write(record("concat", seed, status=status))
    rendered = render(tmp_path)
    assert f"No verdict: {reason}" in " ".join(rendered.text.split())
    assert f"No verdict: {reason}" in page(rendered)
    assert rendered.data["grids"][0]["verdict"] is None


def test_a_running_grid(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_grid(store, "skip", manifest(seeds=[0, 1]))
    before = render(tmp_path)
    assert "0 of 10 cells on record" in " ".join(before.text.split())  # a terminal wraps lines
    assert "2/2 pending" in before.text
    store.write(record("concat", 0))
    store.write(record("add", 1))
    after = figures(render(tmp_path))
    assert after["add"]["n_pending"] == "1"
    assert after["add"]["val_loss raw n"] == "1"
    assert after["add"]["delta val_loss raw n"] == "0"  # no seed in common, so no difference


def test_damaged_files_are_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    store = skip_run(tmp_path)
    broken = store.record_path(record("add", 1).train_id)
    broken.write_text("{")
    (tmp_path / "grids" / "other.json").write_text("[]")
    rendered = render(tmp_path)
    assert len(rendered.problems) == 2
    assert broken.name in page(rendered)
    assert "grids/other.json" in rendered.text
    assert figures(rendered)["add"]["val_loss raw n"] == "1"
    assert figures(rendered)["none"]["val_loss raw n"] == "2"


def test_records_whose_manifest_is_damaged_are_still_named(tmp_path: Path) -> None:
    skip_run(tmp_path, seeds=[0])
    (tmp_path / "grids" / "skip.json").write_text("{")
    rendered = render(tmp_path)
    assert "uvit-micro-deep/4+skip=add, seed 0" in rendered.text
    assert "grids/skip.json" in rendered.text
    assert rendered.data["grids"] == []


def test_only_damaged_records(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / f"{'1' * 16}.json").write_text("{")
    with pytest.raises(ValueError, match="every record there is damaged; the first: ") as caught:
        render(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["missing", "empty", "file"])
def test_no_records_is_one_line_and_writes_nothing(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=str(tmp_path / place)) as caught:
        render(tmp_path / place)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "empty").iterdir()) == []


def with_cards(item: Record, **changes: Any) -> Record:
    scores = [dataclasses.replace(s, card=s.card | changes) if s.metric != "val_loss" else s for s in item.scores]
    return dataclasses.replace(item, scores=scores)


@pytest.mark.parametrize(
    "change",
    [{"sampler": "ddim"}, {"nfe": 20}, {"weights_sha256": "ee" * 32}, {"reference_hash": "ee" * 32}, {"count": 999}],
)
def test_scores_measured_in_another_way_never_share_a_column(tmp_path: Path, change: dict[str, Any]) -> None:
    store = skip_run(tmp_path, arms=["concat", "add"])
    store.write(with_cards(record("add", 1), **change))
    rows = figures(render(tmp_path))
    columns = [name for name in rows["add"] if name.startswith(f"{FD} ema") and name.endswith(" n")]
    assert len(columns) == 2
    assert sorted(rows["add"][name] for name in columns) == ["1", "1"]
    assert sorted(rows["concat"][name] for name in columns) == ["0", "2"]
    assert next(iter(change)).replace("_", " ") in " ".join(columns)


def test_another_dataset_never_shares_a_column(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=["concat", "add"])
    for seed in (0, 1):
        other = record("add", seed, dataset={"name": "photos", "fingerprint": "00" * 32})
        store.write(other)
    rows = figures(render(tmp_path))
    deltas = [name for name in rows["add"] if name.startswith("delta val_loss") and name.endswith(" n")]
    assert len(deltas) == 2
    assert all(rows["add"][name] == "0" for name in deltas)


def test_floor_library_versions_and_subset_seeds_split_nothing(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=["concat", "add"])
    store.write(
        with_cards(record("add", 1), floor=None, libraries={"torch": "3"}, subset_seed=1, floor_reason="n/a: few")
    )
    rows = figures(render(tmp_path))
    assert rows["add"][f"{FD} ema n"] == "2"


def with_levels(item: Record, **changes: Any) -> Record:
    """The losses measured at twenty noise levels, each cell with numbers of its own."""
    card = {"level_count": 20, "times": "midpoint"} | changes
    own = {"levels": [0.05 + 0.001 * item.seed + 0.01 * level for level in range(20)]}
    scores = [
        dataclasses.replace(s, card=s.card | card | (own if s.metric == "val_loss" else {}))
        if s.metric.startswith("val_loss")
        else s
        for s in item.scores
    ]
    return dataclasses.replace(item, scores=scores)


def test_losses_by_level_are_each_cell_s_own_and_split_nothing(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=["concat", "add"])
    for arm in ("concat", "add"):
        for seed in (0, 1):
            store.write(with_levels(record(arm, seed)))
    rendered = render(tmp_path, width=200)
    rows = figures(rendered)
    for name in ("val_loss raw n", "val_loss_bin5 raw n"):
        assert (rows["concat"][name], rows["add"][name]) == ("2", "2")
    assert "500 held-out images in each of 5 noise-level bins, 20 noise levels, midpoint times" in page(rendered)
    assert card_facts({"bins": 5, "levels": [0.1] * 20}) == (("noise-level bins", "5"),)


def test_losses_at_five_and_at_twenty_levels_never_share_a_column(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=["concat", "add"])
    store.write(with_levels(record("add", 1)))
    rows = figures(render(tmp_path))
    columns = [name for name in rows["add"] if name.startswith("val_loss raw") and name.endswith(" n")]
    assert len(columns) == 2 and "level count" in " ".join(columns)
    assert sorted(rows["add"][name] for name in columns) == ["1", "1"]


def test_a_floor_that_could_not_be_measured_says_why(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=["concat"], seeds=[0])
    store.write(with_cards(record("concat", 0), floor=None, floor_reason="n/a: 500 images held out, 1000 needed"))
    rendered = render(tmp_path, width=200)
    assert "n/a" in rendered.text
    assert "floor n/a (500 images held out, 1000 needed)" in page(rendered)


HOSTILE = (
    "<script>alert(1)</script> | *a* _b_ `c` [d](http://e.f)\n\n# g \x1b[31mred\u202e ![x](y) $\\frac{a$ @someone 日本"
)


def test_text_from_records_is_text(tmp_path: Path) -> None:
    store = Store(tmp_path)
    hostile = manifest(arms=["concat", "add"], question=HOSTILE)
    hostile["arms"][1] |= {"arm": HOSTILE, "formula": HOSTILE}
    write_grid(store, "skip", hostile)
    for seed in (0, 1):
        store.write(record("concat", seed))
    store.write(record("add", 0))
    store.write(record("add", 1, status="error", error=HOSTILE))
    rendered = render(tmp_path)
    text = page(rendered)
    assert "<script" not in text
    assert "://" not in text  # no bare link either
    assert "\x1b" not in text + rendered.text
    assert "\u202e" not in text + rendered.text
    assert "@someone" not in text
    for is_table, lines in itertools.groupby(text.splitlines(), key=lambda line: line.startswith("|")):
        assert not is_table or len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert not [line for line in text.splitlines() if line.startswith("# g")]
    assert [row["variant"] for row in figures(rendered).values()]


def test_a_spreadsheet_runs_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    grid = manifest(arms=["concat", "add"])
    grid["arms"][1]["arm"] = "=1+1"
    write_grid(store, "skip", grid)
    store.write(record("concat", 0))
    assert list(figures(render(tmp_path))) == ["concat", "'=1+1"]


def test_several_folders_make_one_grid(tmp_path: Path) -> None:
    skip_run(tmp_path / "a", seeds=[0])
    skip_run(tmp_path / "b", seeds=[1])
    rendered = render([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert rendered.paths[0] == tmp_path / "out" / "report.md"
    assert figures(rendered)["add"]["val_loss raw n"] == "2"
    assert figures(rendered)["add"]["delta val_loss raw n"] == "2"


def test_grids_that_only_share_a_name_stay_apart(tmp_path: Path) -> None:
    skip_run(tmp_path / "a", seeds=[0])
    store = skip_run(tmp_path / "b", seeds=[1])
    write_grid(store, "skip", manifest(seeds=[1], budget="short"))
    rendered = render([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert [grid["name"] for grid in rendered.data["grids"]] == [f"skip ({tmp_path / 'a'})", f"skip ({tmp_path / 'b'})"]
    names = {path.name for path in rendered.paths}
    assert names == {"report.md", "index.html", "skip.csv", "skip.tex", "skip-2.csv", "skip-2.tex"}


def test_an_output_that_cannot_be_written_is_an_oserror(tmp_path: Path) -> None:
    skip_run(tmp_path / "run", seeds=[0], arms=["concat"])
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OSError, match="out"):
        render(tmp_path / "run", tmp_path / "out")


def test_show_prints_to_a_console(skip: tuple[Path, Rendered]) -> None:
    import io

    from rich.console import Console

    buffer = io.StringIO()
    reports.show(reports.find(skip[0]), Console(file=buffer, width=120, force_terminal=True, color_system="standard"))
    assert "\x1b[1m" in buffer.getvalue()  # the baseline and the verdict in bold
    assert "linear_skip" in buffer.getvalue()


def test_nothing_is_logged_about_a_sound_folder(skip: tuple[Path, Rendered], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        reports.find(skip[0])
    assert caplog.text == ""
