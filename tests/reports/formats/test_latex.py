"""Tables for a paper: they compile, say what the other tables say, and take any text from a record as text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import reports
from reports import compose, find
from reports.content.grid_report import GridReport
from reports.formats.latex import arm_tabular, document
from reports.formats.latex_text import escape
from reports.page import document as page
from results import Store
from tests.reports.page.test_page_browser import nasty_grid
from tests.reports.simulated import manifest, profile, record, skip_run, write_grid

TEX_SPECIALS = r"""\ { } $ & # ^ _ % ~ < > | " ' ` - -- [ ] * \input{/etc/passwd} $x$ ^^41 \\"""
LETTERS = "é ñ Å ß ø − ± × · Δ ₘ ² ‘x’ 日本 \N{GREEK SMALL LETTER SIGMA} \N{GRINNING FACE} \u202e"


def compiled(source: str, folder: Path) -> str:
    """The text of the PDF that pdflatex makes of ``source``, layout kept."""
    (folder / "table.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "table.tex"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=120)
    assert made.returncode == 0, made.stdout[-2000:]
    shown = subprocess.run(
        ["pdftotext", "-layout", "table.pdf", "-"], cwd=folder, capture_output=True, text=True, check=True
    )
    return shown.stdout


def bare(text: str) -> str:
    """``text`` without what the PDF's text layer has in other ways: gaps, quotes, and underscores, which are rules."""
    return re.sub(r"[\s_\"'`”’‘]", "", text.replace("ˆ", "^").replace("˜", "~"))


def report_of(folder: Path, name: str) -> GridReport:
    """The report of the grid ``name``."""
    return next(grid for grid in compose(find(folder)).grids if grid.grid.name == name)


needs_pdflatex = pytest.mark.skipif(
    not (shutil.which("pdflatex") and shutil.which("pdftotext")), reason="needs pdflatex and pdftotext"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grid with verdicts, costs, floors and a failed cell; and one whose names are all markup."""
    root = tmp_path_factory.mktemp("latex")
    store = skip_run(root, seeds=range(3))
    store.write(record("none", 1, status="diverged", error=f"loss was nan: {TEX_SPECIALS}"))
    store.write_profile(profile("add"))
    nasty_grid(store)
    return root


@needs_pdflatex
def test_every_grid_compiles_on_its_own(folder: Path, tmp_path: Path) -> None:
    written = [path for path in reports.render(folder, tmp_path, plots=False).paths if path.suffix == ".tex"]
    assert [path.name for path in written] == ["nasty.tex", "skip.tex"]
    for path in written:
        text = compiled(path.read_text(encoding="utf-8"), tmp_path)
        assert "</script>" in text or "FD-1K" in text
    assert "How should a long skip be fused into the main branch?" in text
    for row in report_of(folder, "skip").arms.rows:
        assert any(line.startswith(bare(f"{row[0]}{row[1]}{row[2]}")) for line in map(bare, text.splitlines())), row
    assert bare(f"diverged (loss was nan: {TEX_SPECIALS})") in bare(text)


@needs_pdflatex
def test_any_text_is_set_as_it_stands(tmp_path: Path) -> None:
    store = Store(tmp_path)
    grid = manifest(arms=["concat", "add"], seeds=[0], question=f"{TEX_SPECIALS} {LETTERS}")
    grid["arms"][1]["arm"] = f"[2cm] {TEX_SPECIALS}"
    write_grid(store, "skip", grid)
    for arm in ("concat", "add"):
        store.write(record(arm, 0))
    text = compiled(document(report_of(tmp_path, "skip")), tmp_path)
    assert bare(text).count(bare(TEX_SPECIALS)) == 2
    assert f"[2cm]{bare(TEX_SPECIALS)}" in bare(text)
    assert "[U+65E5][U+672C]" in text
    assert "root:" not in text


def test_no_character_is_left_that_tex_reads() -> None:
    every = "".join(map(chr, range(32, 127)))
    left = re.sub(r"\\[a-z]+(?:\{\}|\d+\{\})?|\\[{}$&#_%]|\{[\[\]*]\}", "", escape(every))
    assert not set(left) & set("\\{}$&#^_%~")
    assert escape("日") == "{[}U+65E5]"
    assert escape("é") == "\\'{e}"
    assert [escape(text) for text in ("effnet-lite0", "--set", "1–3", "–-")] == [
        "effnet-lite0",
        "-{}-set",
        "1--3",
        "--{}-",
    ]


def test_the_table_has_the_figures_of_the_page(folder: Path) -> None:
    grid = report_of(folder, "skip")
    source = arm_tabular(grid)
    lines = source.splitlines()
    assert lines[1].startswith("\\begin{tabular}{@{}l") and lines[-1] == "\\end{tabular}"
    rules = [line for line in lines if line.endswith("rule")]
    assert rules == ["\\toprule", "\\midrule", "\\midrule", "\\bottomrule"]
    for part in ("FD-1K", "floor: real images", "21.43", "worse"):
        assert part in source, part
    assert "KD" not in source and "Recall" not in source  # a paper's table has one distance
    assert "status" in source  # a cell failed
    assert "NVIDIA H100" in document(grid)


def test_the_status_is_left_out_where_every_cell_trained(tmp_path: Path) -> None:
    skip_run(tmp_path, seeds=[0], arms=["concat", "add"])
    assert "status" not in arm_tabular(report_of(tmp_path, "skip"))


def test_the_page_copies_the_same_table(folder: Path) -> None:
    composed = compose(find(folder))
    text = page(composed)
    for grid in composed.grids:
        (held,) = re.findall(rf'id="latex-{grid.grid.name}">(.*?)</script>', text)
        assert json.loads(held) == arm_tabular(grid)
