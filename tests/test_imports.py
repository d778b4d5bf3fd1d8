"""Who may import whom (docs/design.md, "The house"), and what starts without torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("variants", "bench", "ablations", "results", "reports", "cli")
ALLOWED = {
    "variants": set[str](),
    "results": set[str](),
    "bench": {"variants", "results"},
    "ablations": {"variants", "bench", "results"},
    "reports": {"results"},
    "cli": {"variants", "bench", "ablations", "results", "reports"},
}


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides its package"
            names.add((node.module or "").split(".")[0])
    return names & set(PACKAGES)


def test_imports_point_one_way() -> None:
    edges = set()
    for package in PACKAGES:
        files = [ROOT / "cli.py"] if package == "cli" else sorted((ROOT / package).rglob("*.py"))
        assert files
        for path in files:
            wrong = _imports(path) - ALLOWED[package] - {package}
            edges |= {(str(path.relative_to(ROOT)), name) for name in wrong}
    assert not edges


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["list", "axes"],
        ["list", "grids", "--json"],
        ["list", "budgets"],
        ["list", "datasets"],
        ["list", "presets"],
        ["list", "extractors"],
        ["list", "samplers"],
        ["list", "processes"],
        ["run", "--help"],
        ["report", "nowhere"],
        ["watch", "nowhere"],
        ["profile", "--help"],
        ["cka", "--help"],
        ["import-weights", "--help"],
        ["export-weights", "--help"],
        ["neighbours", "--help"],
    ],
    ids=" ".join,
)
def test_starts_without_torch(command: list[str]) -> None:
    code = f"import sys, cli; cli.main({command!r}); sys.exit('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
