"""``uvit report`` and the end of ``uvit run``: the table at once, then the figures, and never half a report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ablations.commands.run
import cli
from reports import find
from reports.formats import terminal
from tests.reports.calls import calls
from tests.reports.simulated import many_records, skip_run

WATCH = """
import io, json, sys
from pathlib import Path
import cli

folder, out = map(Path, sys.argv[1:])
moments = []

class Watched(io.StringIO):
    def flush(self):
        heavy = {"matplotlib", "seaborn", "pandas", "scipy", "torch"} & set(sys.modules)
        files = [path.suffix for path in out.rglob("*") if path.is_file()]
        moments.append({"text": self.getvalue(), "heavy": sorted(heavy), "files": sorted(files)})

terminal, sys.stdout = sys.stdout, Watched()
code = cli.main(["report", str(folder), "--out", str(out)])
print(json.dumps({"code": code, "moments": moments}), file=terminal)
"""

READ = """
import collections, io, json, sys
from pathlib import Path
import cli

folder, opened = Path(sys.argv[2]), collections.Counter()

def noted(event, arguments):
    if event == "open" and str(arguments[0]).startswith(str(folder)):
        opened[str(Path(arguments[0]).relative_to(folder))] += 1

class Table(io.StringIO):
    def flush(self):
        if sys.stdout is self:  # the table is out: the figures are not counted
            sys.stdout = terminal
            raise KeyboardInterrupt

terminal, sys.stdout = sys.stdout, Table()
sys.addaudithook(noted)
cli.main(sys.argv[1:])
print(json.dumps(opened))
"""


@pytest.fixture(scope="module")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return many_records(tmp_path_factory.mktemp("hundred")).root


def python(code: str, *arguments: Path | str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_table_is_out_before_anything_is_drawn(hundred: Path, tmp_path: Path) -> None:
    seen = json.loads(python(WATCH, hundred, tmp_path / "out"))
    table, *_, end = seen["moments"]
    assert seen["code"] == 0
    assert "20/20 ok" in table["text"]
    assert "report: " not in table["text"]
    assert (table["heavy"], table["files"]) == (["scipy"], [])  # for the verdicts
    places = f"page: {tmp_path / 'out' / 'index.html'}\nreport: {tmp_path / 'out' / 'report.md'}\n"
    assert end["text"] == table["text"] + places
    assert end["heavy"] == ["matplotlib", "scipy"]
    assert set(end["files"]) == {".csv", ".html", ".md", ".pdf", ".png", ".svg", ".tex"}


def test_the_table_is_one_reading_of_every_file(hundred: Path, tmp_path: Path) -> None:
    opened = json.loads(python(READ, "report", hundred, "--out", tmp_path / "out"))
    files = [str(path.relative_to(hundred)) for path in hundred.rglob("*") if path.is_file()]
    assert len(files) == 101  # the grid's and its records'
    assert opened == dict.fromkeys(files, 1)


def test_the_work_before_the_table_is_little_and_grows_as_the_records_do(hundred: Path, tmp_path: Path) -> None:
    few, many = calls_to_the_table(many_records(tmp_path, seeds=5).root), calls_to_the_table(hundred)
    assert many < 850_000  # 753,545 counted, two thirds of them reading and checking the records
    assert many <= 4.4 * few  # four times the records


def calls_to_the_table(folder: Path) -> int:
    return calls(lambda: terminal.text(find(folder)))


@pytest.mark.parametrize("command", ["report", "run"])
@pytest.mark.parametrize("failure", [KeyboardInterrupt(), RuntimeError("no such font")], ids=["ctrl-c", "error"])
def test_a_stop_while_drawing_leaves_the_table_and_no_half_report(
    command: str,
    failure: BaseException,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = skip_run(tmp_path / "run", seeds=[0]).root
    (folder / "report").mkdir()
    (folder / "report/report.md").write_text("an earlier report")

    def savefig(figure: Any, file: Any, *, format: str, **options: Any) -> None:
        if format == "svg":  # the .png of the grid is done by then
            raise failure

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", savefig)
    monkeypatch.setattr(ablations.commands.run, "run_grid", lambda request, **more: (folder, 0))
    arguments = ["report", str(folder)] if command == "report" else ["run", "skip"]
    if isinstance(failure, KeyboardInterrupt):
        assert cli.main(arguments) == 130
    else:
        with pytest.raises(RuntimeError, match="no such font"):
            cli.main(arguments)
    printed = capfd.readouterr().out
    assert "No verdict: " in printed
    assert "report: " not in printed
    assert [path.name for path in (folder / "report").rglob("*")] == ["report.md"]
    assert (folder / "report/report.md").read_text() == "an earlier report"


def test_a_reader_that_leaves_after_the_table_loses_nothing(tmp_path: Path) -> None:
    folder = skip_run(tmp_path, seeds=[0]).root
    code = "import sys, cli; sys.exit(cli.main(sys.argv[1:]))"
    arguments = [sys.executable, "-c", code, "report", str(folder)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0
    assert (folder / "report/report.md").is_file()
