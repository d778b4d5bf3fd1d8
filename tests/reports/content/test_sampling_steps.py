"""A sweep in a report: its table with the paper's Table 3, its CSV, and arm tables that it leaves alone."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

import reports
from reports import plots
from reports.content.grid_report import GridReport, grid_report
from results import Score, Store
from results.paper.steps import table3
from results.store import write_json
from tests.reports.simulated import FD, cell_scores, identity, manifest, record, sample_card, skip_run, write_grid

OWN = [{"sampler": "dpm_solver", "nfe": 50}]
SWEEP = [{"sampler": s, "nfe": n} for s in ("euler_maruyama", "ddim", "dpm_solver") for n in (4, 50)]
LEFT_OUT = [{"sampler": "ddim", "nfe": 1000}]


def _swept(arm: str, seed: int) -> list[Score]:
    """The usual scores and 12 of the sweep: ten times the evaluations' inverse, a seed apart by 1."""
    scores = cell_scores(arm, seed, range(250, 3001, 250))
    for draw in SWEEP:
        if draw not in OWN:
            for metric in (FD, "kd_effnet_lite0_1k"):
                value = 400 / int(draw["nfe"]) + seed + len(draw["sampler"])
                scores.append(
                    Score(
                        score_id=identity(arm, seed, *draw.values()), step=3000, weights="ema", metric=metric,
                        value=value, card=sample_card(**draw), train_macs=1, wall_s=1.0,
                    )
                )  # fmt: skip
    return scores


def _folder(root: Path, **evaluation: Any) -> Path:
    store = Store(root)
    asked = {"draws": OWN, "sweep": SWEEP, "left_out": LEFT_OUT} | evaluation
    write_grid(store, "sampling_steps", manifest(["concat"], name="sampling_steps", reference="T3", evaluation=asked))
    for seed in (0, 1):
        store.write(record("concat", seed, scores=_swept("concat", seed)))
    return root


def only(folder: Path) -> GridReport:
    (grid,) = reports.find(folder).grids
    return grid_report(grid)


def test_a_row_a_sampler_a_column_a_number_of_evaluations_and_the_papers_rows(tmp_path: Path) -> None:
    (table,) = only(_folder(tmp_path)).samplers
    assert table.headings == ("FD-1K ↓ effnet-lite0 (ema)\nby network evaluations", "4", "5", "10", "15", "20", "50")
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows)[:3] == ["euler_maruyama", "ddim", "dpm_solver"]
    assert rows["ddim"] == ("104.50 ± 0.71", "–", "–", "–", "–", "12.50 ± 0.71")
    assert rows["dpm_solver"][5] != "–", "what the budget draws anyway stands in the table too"
    assert rows["paper †: U-ViT-H/2, 500K iterations, dpm_solver"] == ("15.44", "4.64", "3.18", "2.92", "2.53", "")
    assert len(rows) == 6


def test_the_remarks_say_what_the_table_is_and_what_was_left_out(tmp_path: Path) -> None:
    text = "\n".join(only(_folder(tmp_path)).sampler_remarks)
    assert "21.43" in text
    assert "not comparable in value" in text
    assert "not scored under budget cpu: ddim:1000" in text


def test_arm_tables_and_curves_are_the_same_with_and_without_a_sweep(tmp_path: Path) -> None:
    swept = only(_folder(tmp_path / "a"))
    store = Store(tmp_path / "b")
    write_grid(store, "sampling_steps", manifest(["concat"], name="sampling_steps", reference="T3"))
    for seed in (0, 1):
        store.write(record("concat", seed))
    plain = only(tmp_path / "b")
    assert swept.arms == plain.arms
    assert plain.samplers == ()
    # another grid that shares the cell asked for no sweep
    store = Store(tmp_path / "a")
    write_grid(store, "skip", manifest(["concat"], evaluation={"draws": OWN, "sweep": [], "left_out": []}))
    shared = grid_report(next(g for g in reports.find(tmp_path / "a").grids if g.name == "skip"))
    assert shared.arms == plain.arms
    assert shared.analysis.sweeps == ()


def test_the_report_holds_table_and_csv(tmp_path: Path) -> None:
    rendered = reports.render(_folder(tmp_path), plots=False, width=160)
    page = rendered.paths[0].read_text(encoding="utf-8")
    for text in (page, rendered.text):
        assert "euler_maruyama" in text
        assert "paper †: LDM, 178K iterations" in text
        assert "not scored under budget cpu" in text
    path = tmp_path / "report/tables/sampling_steps-samplers.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert {row["metric"] for row in rows} == {FD, "kd_effnet_lite0_1k", "precision_1k_k3", "recall_1k_k3"}
    one = next(r for r in rows if (r["metric"], r["sampler"], r["nfe"]) == (FD, "ddim", "4"))
    assert (float(one["mean"]), one["n"], one["step"]) == (104.5, "2", "3000")
    assert rendered.data["grids"][0]["samplers"][0]["metric"] == FD


def test_several_arms_are_named(tmp_path: Path) -> None:
    store = skip_run(tmp_path, arms=("concat", "none"), seeds=(0,))
    write_grid(store, "skip", manifest(["concat", "none"], [0], evaluation={"draws": OWN, "sweep": SWEEP}))
    for arm in ("concat", "none"):
        store.write(record(arm, 0, scores=_swept(arm, 0)))
    (table,) = only(tmp_path).samplers
    assert [row[0] for row in table.rows[:6]] == [
        f"{arm}, {s}" for arm in ("concat", "none") for s in ("euler_maruyama", "ddim", "dpm_solver")
    ]


def test_a_failed_cell_has_no_place_in_the_table(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    Store(folder).write(record("concat", 1, scores=_swept("concat", 1), status="diverged", error="nan"))
    seeds = [set(by_seed) for s in only(folder).analysis.sweeps for line in s.lines for by_seed in line.values.values()]
    assert seeds and all(each == {0} for each in seeds)


def test_a_manifest_that_garbles_its_draws_is_named(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    garbled = manifest(["concat"], evaluation={"draws": [{"sampler": "ddim", "nfe": "ten"}]})
    write_json(folder / "grids/other.json", garbled)
    assert "evaluation.draws: expected objects with sampler and nfe" in reports.find(folder).problems[0]


@pytest.mark.parametrize(
    ("model", "values"), [("LDM, 178K iterations", {4: 34.48, 5: 12.73, 10: 4.51, 15: 3.87, 20: 3.68})]
)
def test_the_papers_table(model: str, values: dict[int, float]) -> None:
    assert {row.model: row.values for row in table3()}[model] == values
    assert len(table3()) == 3


def test_a_sweep_is_drawn_sampler_by_sampler(tmp_path: Path) -> None:
    figure = plots.figures(only(_folder(tmp_path)))["evaluations-sampling_steps"]
    (axis,) = figure.axes
    lines = [list(map(float, line.get_ydata())) for line in axis.lines if len(line.get_xdata()) == 2][:2]
    assert lines == [[114.5, 22.5], [104.5, 12.5]]  # euler_maruyama and ddim, means of two seeds
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["euler_maruyama", "ddim", "dpm_solver"]
    footer = figure.get_supxlabel()
    assert all(part in footer for part in ("1,000 samples", "effnet-lite0 abababab", "n = 2 seeds", "floor 21.43"))
    assert " NFE" not in footer


def test_without_a_sweep_none_is_drawn(tmp_path: Path) -> None:
    skip_run(tmp_path, arms=["concat"], seeds=[0])
    assert not any("evaluations" in name for name in plots.figures(only(tmp_path)))
