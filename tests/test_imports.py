"""Who may import whom (docs/design.md, "The house"), and what starts without torch."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.structure import Checkout

ROOT = Path(__file__).parent.parent
CHECKOUT = Checkout(ROOT)
PACKAGES = ("variants", "bench", "ablations", "results", "reports", "cli")
ALLOWED = {
    "variants": set[str](),
    "results": set[str](),
    "bench": {"variants", "results"},
    "ablations": {"variants", "bench", "results"},
    "reports": {"results"},
    "cli": {"variants", "bench", "ablations", "results", "reports"},
}

# Rooms and loose files of a package from the ground up: one imports lower floors and itself, never its own neighbours;
# the package's __init__.py stands on top. Imports in functions and for types count.
FLOORS: dict[str, tuple[tuple[str, ...], ...]] = {
    "bench": (
        ("config", "random"),
        ("files",),
        ("machine", "diffusion"),
        ("data",),
        ("fid", "linear_filter"),
        ("latents",),
        ("conditions",),
        ("sampling",),
        ("training",),
        ("profile",),
        ("checkpoints",),
        ("cell",),
        ("trained",),
    ),
    "reports": (
        ("text",),
        ("views",),
        ("analysis",),
        ("content",),
        ("plots",),
        ("pictures",),
        ("formats",),
        ("page",),
        ("render", "watch"),
        ("footguns", "simulation"),
    ),
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


def test_no_modules_import_each_other() -> None:
    assert CHECKOUT.circles() == []


def test_every_name_stands_once() -> None:
    assert CHECKOUT.classes() == {}
    assert {package: CHECKOUT.shared_names(package) for package in ("bench", "ablations", "reports")} == {
        "bench": {},
        "ablations": {},
        "reports": {},
    }


@pytest.mark.parametrize("package", FLOORS)
def test_rooms_import_lower_floors_alone(package: str) -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS[package]) for room in rooms}
    upwards = {
        f"{module} -> {imported}"
        for module, imported in _edges(package)
        if _room(module) != _room(imported) and floor[_room(module)] <= floor.get(_room(imported), len(floor))
    }
    assert not upwards


def _edges(package: str) -> Iterator[tuple[str, str]]:
    """(module, what it imports) inside ``package``, without the package's own ``__init__.py``."""
    for module, imported in CHECKOUT.graph.items():
        if module.startswith(f"{package}."):
            yield from ((module, name) for name in imported if name.partition(".")[0] == package)


def _room(module: str) -> str:
    """The room or loose file that ``module`` belongs to; "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


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
        ["plan", "--help"],
        ["run", "--help"],
        ["sample", "--help"],
        ["score", "--help"],
        ["encode", "--help"],
        ["report", "nowhere"],
        ["watch", "nowhere"],
        ["profile", "--help"],
        ["cka", "--help"],
        ["import-weights", "--help"],
        ["export-weights", "--help"],
        ["neighbours", "--help"],
        ["calibrate", "--help"],
    ],
    ids=" ".join,
)
def test_starts_without_torch(command: list[str]) -> None:
    code = f"import sys, cli; cli.main({command!r}); sys.exit('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
