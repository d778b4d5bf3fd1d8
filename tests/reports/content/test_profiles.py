"""Profiles in a report: their own table, and cost columns beside the scores of the same network."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import pytest

import results
from reports import render
from reports.analysis.costs import peak_bytes, setting_text
from reports.content.grid_report import GridReport, grid_report
from reports.content.profiles import parts_table, profile_remarks, profile_table, scaling
from reports.content.units import rate, size
from reports.views.find import find
from tests.reports.simulated import profile, skip_run


def only(root: Path) -> GridReport:
    (grid,) = find(root).grids
    return grid_report(grid)


def headings(root: Path) -> list[str]:
    return [heading.replace("\n", " ") for heading in only(root).arms.headings]


def test_costs_stand_beside_the_score_of_the_same_network(tmp_path: Path) -> None:
    store = skip_run(tmp_path)
    store.write_profile(profile("concat"))
    store.write_profile(profile("none", timing=profile("none").timing | {"imgs_per_s": 1712.4}))
    shown = headings(tmp_path)
    first = shown.index("train images/s ↑")
    assert shown[first + 1] == "train peak memory ↓"
    rows = {row[0]: row[first : first + 2] for row in only(tmp_path).arms.rows}
    assert rows["concat"] == ("1,600", "3.00 GiB")
    assert rows["none"] == ("1,712", "3.00 GiB")
    assert rows["add"] == ("–", "–")
    numbers = {row["arm"]: row for row in only(tmp_path).arm_rows}
    assert numbers["none"]["imgs_per_s train"] == 1712.4
    assert numbers["add"]["peak_mem_bytes train"] is None
    text = render(tmp_path, plots=False).text
    assert "train images/s and peak memory: train bfloat16 ×32 on NVIDIA H100 80GB HBM3" in text


def test_a_report_without_profiles_has_no_cost_columns(tmp_path: Path) -> None:
    skip_run(tmp_path)
    assert not [heading for heading in headings(tmp_path) if "images/s" in heading]
    assert "\nprofiles\n" not in render(tmp_path, plots=False).text


@pytest.mark.parametrize(
    "change",
    [
        {"counts": {"params": 1, "macs": 1}},
        {"variant": "uvit-s/2"},
        {"status": "oom", "error": "too large", "timing": {}, "rounds": []},
        {"mode": "count"},
    ],
)
def test_what_is_another_network_or_no_measurement_does_not_join(tmp_path: Path, change: dict[str, Any]) -> None:
    store = skip_run(tmp_path)
    store.write_profile(profile("concat", **change))
    assert not [heading for heading in headings(tmp_path) if "images/s" in heading]


def test_the_setting_that_most_arms_share_is_shown(tmp_path: Path) -> None:
    store = skip_run(tmp_path)
    fast = profile("concat").timing | {"imgs_per_s": 9000.0}
    store.write_profile(profile("concat", batch_size=512, timing=fast))
    for arm in ("concat", "none"):
        store.write_profile(profile(arm))
    [cost] = [row for row in only(tmp_path).arm_rows if row["arm"] == "concat"]
    assert cost["imgs_per_s train"] == 1600.0
    store.write_profile(profile("none", batch_size=512, timing=fast))  # now as many: the faster setting
    [cost] = [row for row in only(tmp_path).arm_rows if row["arm"] == "concat"]
    assert cost["imgs_per_s train"] == 9000.0


def test_a_folder_of_profiles_alone_is_a_report(tmp_path: Path) -> None:
    results.Store(tmp_path).write_profile(profile("concat"))
    results.Store(tmp_path).write_profile(profile("none", status="oom", error="does not fit", rounds=[], timing={}))
    rendered = render(tmp_path)
    assert "| uvit-micro-deep/4" in (tmp_path / "report/report.md").read_text()
    assert "uvit-micro-deep/4+skip=none, train bfloat16 ×32: oom (does not fit)" in " ".join(rendered.text.split())
    with (tmp_path / "report/tables/profiles.csv").open() as file:
        rows = {row["variant"]: row for row in csv.DictReader(file)}
    assert rows["uvit-micro-deep/4"]["imgs_per_s"] == "1600.0"
    assert rows["uvit-micro-deep/4+skip=none"]["status"] == "oom"
    assert len(rendered.data["profiles"]) == 2
    results.Store(tmp_path).write_profile(profile("add", mode="count", setting={}, timing={}, rounds=[]))
    assert len({tuple(row) for row in render(tmp_path).data["profiles"]}) == 1  # all rows of the file have its columns
    with pytest.raises(ValueError, match="expected records"):
        results.load(tmp_path)


def test_damaged_profiles_are_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    store = skip_run(tmp_path)
    store.write_profile(profile("concat"))
    (tmp_path / "profiles" / f"{'1' * 16}.json").write_text("{")
    assert [problem for problem in render(tmp_path, plots=False).problems if "profiles/1111" in problem]


def test_the_table_has_what_a_reviewer_asks() -> None:
    table = profile_table([profile("concat"), profile("none", memory={"peak_rss_growth": 5 * 2**20}, efficiency={})])
    rows = {row[0]: dict(zip(table.headings, row, strict=True)) for row in table.rows}
    concat = rows["uvit-micro-deep/4"]
    assert (concat["images/s ↑"], concat["call\nms"], concat["spread\n%"]) == ("1,600", "20.0", "25.0")
    assert (concat["peak\nmemory ↓"], concat["activations"], concat["state\nmemory"]) == (
        "3.00 GiB",
        "1.00 GiB",
        "1.0 MiB",
    )
    assert (concat["MFU\n%"], concat["J per\n1,000"], concat["status"]) == ("41.0", "87.0", "ok")
    none = rows["uvit-micro-deep/4+skip=none"]
    assert (none["peak\nmemory ↓"], none["MFU\n%"], none["J per\n1,000"]) == ("5.0 MiB", "–", "–")


def test_training_macs_include_what_checkpointing_computes_again() -> None:
    plain = profile("concat")
    again = dataclasses.replace(plain, setting=plain.setting | {"gradient_checkpointing": True})
    column = profile_table([plain]).headings.index("training\nGMACs")
    macs = plain.counts["macs"] / 1e9
    assert [row[column] for row in profile_table([plain, again]).rows] == [f"{3 * macs:.4f}", f"{4 * macs:.4f}"]


def test_parts_are_shares_of_the_whole() -> None:
    counts = profile("concat").counts | {"macs_by_part": {"mlp": 75, "skips": 25}, "params_by_part": {"norm": 5}}
    table = parts_table([profile("concat", counts=counts)])
    assert table.headings == ("share of", "mlp", "skips", "norm")
    assert [row[1:] for row in table.rows] == [("75.00%", "25.00%", ""), ("", "", "100.00%")]


def test_remarks_name_methods_that_differ_and_failures() -> None:
    differing = profile("none", counts=profile("none").counts | {"differs": {"fvcore": "total 1 G against 2 G"}})
    lines = profile_remarks([profile("concat"), differing, profile("add", status="error", error="no such kernel")])
    assert any("agree within 1% on uvit-micro-deep/4, uvit-micro-deep/4+skip=add" in line for line in lines)
    assert "uvit-micro-deep/4+skip=none: fvcore does not confirm flop_counter: total 1 G against 2 G" in lines
    assert "uvit-micro-deep/4+skip=add, train bfloat16 ×32: error (no such kernel)" in lines


def test_scaling_compares_with_one_process_measured_alike() -> None:
    one, setting = profile("concat"), profile("concat").setting
    two = profile("concat", setting=setting | {"world_size": 2}, timing=one.timing | {"imgs_per_s": 2400.0})
    assert scaling([one, two]) == ["uvit-micro-deep/4, train bfloat16 ×32, 2 processes: scaling efficiency 75%"]
    assert scaling([two]) == []
    assert scaling([dataclasses.replace(one, dtype="float32"), two]) == []


def test_figures_as_text() -> None:
    assert [rate(value) for value in (None, 0.4321, 12.34, 1234.5)] == ["–", "0.432", "12.3", "1,234"]
    assert [size(value) for value in (None, 3 * 2**20, 5 * 2**30)] == ["–", "3.0 MiB", "5.00 GiB"]
    assert peak_bytes(profile("concat", memory={})) is None
    drawn = {"sampler": "ddim", "nfe": 10, "compile": True, "channels_last": False}
    assert setting_text(profile("concat", mode="sample", setting=drawn)) == (
        "sample bfloat16 ×32, ddim 10 NFE, compile"
    )
