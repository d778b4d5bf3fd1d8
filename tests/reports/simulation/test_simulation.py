"""Verdicts on grids with known effects: the promised coverage and error rates, on a sample of docs/statistics.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.simulation import __main__ as command
from reports.simulation import planted
from reports.simulation.rates import Rate, is_false, measure, pooled
from reports.views.find import find
from results import Store
from tests.reports.planted import compared

GRIDS = 200


def plan(spread: str, *, seeds: int, world: planted.World = "null", arms: int = 4) -> planted.SimulationPlan:
    return planted.SimulationPlan(seeds=seeds, arms=arms, spread=spread, world=world)


@pytest.mark.parametrize(("spread", "seeds"), [("normal", 3), ("correlated", 5), ("heavy", 10)])
def test_intervals_cover_and_verdicts_are_rarely_false(spread: str, seeds: int) -> None:
    null = measure(plan(spread, seeds=seeds), grids=GRIDS)
    edge = measure(plan(spread, seeds=seeds, world="edge"), grids=GRIDS)
    covered = pooled(null.simultaneous, edge.simultaneous)
    assert 0.95 - 3 * covered.error < covered.value <= 0.99
    assert pooled(null.single, edge.single).value == pytest.approx(0.95, abs=0.02 + 3 * covered.error)
    for found in (null, edge):
        assert found.false["any"].value < 0.05 + 3 * found.false["any"].error
    assert not null.false["equivalent"].hits  # no margin was declared
    assert edge.seen.value > 0.1  # the rates are not bought with silence


def test_planted_grids_are_judged_as_their_records_are(tmp_path: Path) -> None:
    made = planted.grid(plan("unequal", seeds=3, world="edge", arms=2), 0)
    store = Store(tmp_path)
    store.write_grid(made.name, made.manifest)
    for cell in made.cells:
        assert cell.record is not None
        store.write(cell.record)
    (read,) = find(tmp_path).grids
    assert compared(read) == compared(made)
    assert all(found.interval for found in compared(read).comparisons)


@pytest.mark.parametrize("spread", planted.SPREADS)
def test_every_spread_is_centred_on_the_planted_effects(spread: str) -> None:
    setting = plan(spread, seeds=4000, world="edge", arms=2)
    first, second = planted.scores(setting, 0), planted.scores(setting, 1)
    assert (first != second).any() and (first == planted.scores(setting, 0)).all()
    differences = (first[1:] - first[0]).mean(axis=1)
    assert differences == pytest.approx(planted.effects(setting), abs=0.15)


@pytest.mark.parametrize(
    ("verdict", "effect", "false"),
    [
        ("better", 0.0, True), ("better", -1.0, False), ("better", 1.0, True), ("worse", 0.0, True),
        ("worse", 1.0, False), ("equivalent", planted.MARGIN, True), ("equivalent", 0.0, False),
        ("unresolved", 9.0, False),
    ],
)  # fmt: skip
def test_what_counts_as_false(verdict: str, effect: float, false: bool) -> None:
    assert is_false(verdict, effect) is false  # type: ignore[arg-type]


def test_the_monte_carlo_error_is_the_binomials() -> None:
    assert Rate(hits=100, trials=2000, grids=2000).error == pytest.approx(0.00487, abs=1e-5)
    assert Rate(hits=0, trials=2000, grids=2000).error > 0


def test_the_command_prints_a_row_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--grids", "100", "--seeds", "2", "3", "--arms", "1", "--spreads", "normal", "--jobs", "1"]
    assert command.main(chosen) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "100 grids" in lines[0] and "scipy" in lines[0]
    assert [line.split(" | ")[:3] for line in lines[-2:]] == [["| normal", "2", "1"], ["| normal", "3", "1"]]
    with pytest.raises(SystemExit, match="2"):
        command.main(["--grids", "1"])
