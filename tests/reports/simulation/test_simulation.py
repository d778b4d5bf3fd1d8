"""Verdicts on grids with known effects: the promised coverage and error rates, on a sample of docs/statistics.md."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from reports.analysis.inference import FINDINGS
from reports.analysis.planned_looks import look_findings
from reports.simulation import __main__ as command
from reports.simulation import planted
from reports.simulation.noise import HELD, SPREADS, differences, draw
from reports.simulation.rates import (
    Rate,
    false_verdicts,
    mean_half_widths,
    resolution,
    simultaneous_coverage,
    single_coverage,
)
from reports.views.find import find
from results import Store
from tests.reports.planted import compared

GRIDS = 2000
VERDICT = {"lower": "better", "higher": "worse", "equivalent": "equivalent", "unresolved": "unresolved"}


@pytest.mark.parametrize("spread", HELD)
def test_intervals_cover_and_verdicts_are_rarely_false(spread: str) -> None:
    for seeds, arms in ((3, 4), (6, 1), (12, 8)):
        covered = simultaneous_coverage(spread, seeds=seeds, arms=arms, grids=GRIDS)
        assert covered.value > 0.94 - 3 * covered.error
    for arms in (1, 4):
        for world in ("null", "edge"):
            false = false_verdicts(spread, world, arms=arms, grids=GRIDS)  # type: ignore[arg-type]
            assert false.value < 0.05 + 3 * false.error


def test_an_arms_own_interval_covers() -> None:
    covered = single_coverage("equal", seeds=3, grids=GRIDS)
    assert covered.value == pytest.approx(0.95, abs=3 * covered.error)


def test_lent_variance_halves_the_intervals_of_few_seeds() -> None:
    moderated, own = mean_half_widths(seeds=3, arms=4, grids=GRIDS)
    assert (moderated, own) == (pytest.approx(2.2, abs=0.1), pytest.approx(4.5, abs=0.2))
    alone = mean_half_widths(seeds=3, arms=1, grids=GRIDS)
    assert alone[0] == pytest.approx(alone[1])


def test_the_rates_are_not_bought_with_silence() -> None:
    assert resolution(0.0, 4.0, arms=4, grids=500).resolved > 0.99
    assert resolution(4.0, 4.0, arms=4, grids=500).seeds < 4
    wide, narrow = (resolution(0.0, margin, arms=4, grids=500) for margin in (2.0, 1.0))
    assert wide.seeds < narrow.seeds and wide.resolved > narrow.resolved


@pytest.mark.parametrize("margin", [None, 1.5])
@pytest.mark.parametrize("looks", [(6,), (3, 6), (2, 4, 5)])
@pytest.mark.parametrize("spread", ["one arm ×3", "7% missing"])
def test_what_is_simulated_is_what_judges_records(spread: str, looks: tuple[int, ...], margin: float | None) -> None:
    """The same scores as records get the same verdicts, at the same looks."""
    scores = 50 + draw(spread, grids=40, arms=3, seeds=6)
    scores[:, 2:] += np.array([4.0, -3.0])[:, None]
    found = look_findings(differences(scores), margin=margin, looks=looks)
    judged = [compared(planted.grid(grid, margin=margin, looks=looks)) for grid in scores]
    shown = [[c.verdict or "unresolved" for c in each.comparisons] for each in judged]
    assert shown == [[VERDICT[FINDINGS[finding]] for finding in row] for row in found.findings]
    stopped = [[looks[c.look - 1] for c in each.comparisons] for each in judged]
    assert stopped == found.seeds.tolist()
    assert {verdict for row in shown for verdict in row} >= {"better", "worse", "unresolved"}


def test_planted_grids_are_judged_as_their_records_are(tmp_path: Path) -> None:
    made = planted.grid(50 + draw("equal", grids=1, arms=2, seeds=3)[0], margin=2.0)
    store = Store(tmp_path)
    store.write_grid(made.name, made.manifest)
    for cell in made.cells:
        assert cell.record is not None
        store.write(cell.record)
    (read,) = find(tmp_path).grids
    assert compared(read) == compared(made)
    assert all(found.interval for found in compared(read).comparisons)


@pytest.mark.parametrize("spread", SPREADS)
def test_every_noise_is_centred_and_drawn_from_its_arguments_alone(spread: str) -> None:
    noise = draw(spread, grids=3000, arms=2, seeds=4)
    assert noise.shape == (3000, 3, 4)
    np.testing.assert_array_equal(noise, draw(spread, grids=3000, arms=2, seeds=4))
    d = differences(noise)
    assert np.nanmean(d, axis=(0, 2)) == pytest.approx(0, abs=5 * np.nanstd(d) / math.sqrt(12000))
    assert np.isnan(noise).mean() == pytest.approx(0.07 if "missing" in spread else 0, abs=0.01)


def test_the_monte_carlo_error_is_the_binomials() -> None:
    assert Rate(hits=100, trials=2000).error == pytest.approx(0.00487, abs=1e-5)
    assert Rate(hits=0, trials=2000).error > 0


def test_the_command_prints_the_tables_of_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--grids", "100", "--spreads", "equal"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("100 grids a rate") and "scipy" in printed
    rows = [line.split(" | ")[0] for line in printed.splitlines() if line.startswith("| ")]
    assert rows.count("| equal") == 5 + 2 and rows.count("| spread") == 3  # seeds of the first table, and both looks
    documented = (Path(__file__).parents[3] / "docs" / "statistics.md").read_text()
    for line in printed.splitlines():
        if line.startswith(("| spread", "| seeds", "| margin")):
            assert line in documented
    with pytest.raises(SystemExit, match="2"):
        command.main(["--grids", "1"])
