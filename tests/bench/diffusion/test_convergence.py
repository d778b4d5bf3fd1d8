"""Every sampler converges as it says, under every process; the command that shows it, and the page that quotes it."""

import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.diffusion import PROCESSES
from bench.diffusion.convergence import __main__ as command_line
from bench.diffusion.convergence import study as study_file
from bench.diffusion.convergence.study import COUNTS, Study, parity, studies
from bench.diffusion.samplers import SAMPLERS

ROOT = Path(__file__).parents[3]
PAIRS = [(sampler, process) for sampler in SAMPLERS.names() for process in PROCESSES.names()]


@pytest.mark.parametrize(("sampler", "process"), PAIRS)
def test_every_sampler_converges_with_the_order_that_it_states(sampler, process):
    found = studies(sampler, process)
    stated = [study for study in found if study.stated is not None]
    assert len(stated) == 1 and stated[0].stated == SAMPLERS.get(sampler).order
    assert len(stated[0].errors) == len(COUNTS) >= 4
    assert stated[0].orders[-1] == pytest.approx(stated[0].stated, abs=0.1)
    assert min(stated[0].orders) > stated[0].stated - 0.3
    for study in found:  # also without a stated order, more evaluations come closer
        falls = all(after < before for before, after in zip(study.errors, study.errors[1:], strict=False))
        assert falls or study.is_exact, study.of


@pytest.mark.parametrize(("sampler", "process"), PAIRS)
def test_float32_agrees_with_float64_to_1e_4_at_the_default_evaluations(sampler, process):
    assert 0 < parity(sampler, process) < 1e-4


@pytest.mark.parametrize("order", [1, 2.5])
def test_an_order_is_the_slope_of_the_error(order):
    errors = tuple(7 * n**-order for n in (10, 15, 40))
    study = Study(sampler="x", process="y", of="path", end=0.1, counts=(10, 15, 40), errors=errors, stated=None)
    assert study.orders == pytest.approx([order, order])


def test_a_sampler_that_is_worse_than_it_says_is_seen(monkeypatch):
    """DDIM under DPM-Solver's name."""
    ddim = SAMPLERS.get("ddim")
    monkeypatch.setattr(study_file, "SAMPLERS", {"dpm_solver": ddim})
    (study,) = studies("dpm_solver", "vp")
    assert study.orders[-1] == pytest.approx(1, abs=0.1) and study.orders[-1] < SAMPLERS.get("dpm_solver").order - 1


def test_paths_may_go_to_the_end_of_the_process():
    (study,) = studies("dpm_solver", "sd", early=False)
    assert study.end == PROCESSES.get("sd").t_end and min(study.orders) > 2.9


# the command, and docs/samplers.md


@pytest.fixture(scope="module")
def printed() -> str:
    """What the command prints, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-m", "bench.diffusion.convergence"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == ""
    return done.stdout


def test_the_command_tells_versions_and_takes_counts(printed, capsys, monkeypatch):
    assert f"torch {torch.__version__}" in printed and f"numpy {np.__version__}" in printed
    monkeypatch.setattr(command_line, "USUAL", (3, 6))
    assert command_line.main(["--counts", "8", "16"]) == 0
    text = capsys.readouterr().out
    assert "| 8 | 16 | stated order |" in text and "| 3 | 6 | float32" in text


def test_the_plot_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(command_line, "USUAL", (3, 6))
    assert command_line.main(["--counts", "8", "16", "--plot", str(tmp_path / "x.png")]) == 0
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("counts", [["5"], ["5", "5"], ["0", "4"], ["9", "3"]])
def test_counts_without_an_order_are_refused_in_a_line(counts, capsys):
    assert command_line.main(["--counts", *counts]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and len(printed.err.splitlines()) == 1 and "rising" in printed.err


def test_the_page_quotes_what_the_command_prints(printed):
    """Rows of docs/samplers.md by name; figures to a unit of their last digit, for other versions round otherwise."""
    now, page = (_rows(text) for text in (printed, (ROOT / "docs" / "samplers.md").read_text()))
    assert len(now) == 2 * (len(PAIRS) + len(PROCESSES.names())) and now.keys() <= page.keys()
    for row, figures in now.items():
        for found, quoted in zip(figures[:4], page[row][:4], strict=True):  # the errors
            assert math.isclose(found, quoted, rel_tol=0.06), row
        if row[-1] == "orders":
            assert figures[4:] == pytest.approx(page[row][4:], abs=0.015), row


def _rows(text: str) -> dict[tuple[str, ...], list[float]]:
    """Figures by sampler, process, what is measured and the table that it stands in."""
    rows, table = {}, ""
    for line in text.splitlines():
        if line.startswith("| sampler |"):
            table = "orders" if "observed" in line else "errors"
        elif match := re.match(r"\| `(\w+)` \| `(\w+)` \| (\w+) \| ([\d.]+) \|(.*)\|", line):
            *names, figures = match.groups()
            rows[*names, table] = [float(value) for value in figures.replace("|", " ").split()]
    return rows
