"""How a checkout is laid out, in figures: ``python -m tests.structure [CHECKOUT …]`` prints a column for each.

Counted from the source alone (nothing is imported), so that older checkouts can stand beside this one.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGES = ("variants", "bench", "ablations", "results", "reports")
ROOMS = ("bench", "reports", "ablations")
ANONYMOUS = {"__init__.py", "__main__.py"}


@dataclass(frozen=True)
class Checkout:
    """The Python files of a checkout's packages, parsed."""

    root: Path

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """Module name -> its syntax tree; a package's is that of its ``__init__.py``."""
        files = [path for package in PACKAGES for path in sorted((self.root / package).rglob("*.py"))]
        return {self.module(path): ast.parse(path.read_text()) for path in [*files, self.root / "cli.py"]}

    @cached_property
    def packages(self) -> set[str]:
        return {module for module in self.trees if (self.root / module.replace(".", "/")).is_dir()}

    def module(self, path: Path) -> str:
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def imports(self, module: str) -> set[str]:
        """The modules of these packages that ``module`` imports anywhere, in functions and for types too."""
        found: set[str] = set()
        for node in ast.walk(self.trees[module]):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                submodules = {f"{base}.{alias.name}" for alias in node.names} & self.trees.keys()
                found |= submodules or {base}
                if any(f"{base}.{alias.name}" not in self.trees for alias in node.names):
                    found.add(base)
        return (found & self.trees.keys()) - {module}

    @cached_property
    def graph(self) -> dict[str, set[str]]:
        """``imports`` of every module."""
        return {module: self.imports(module) for module in self.trees}

    def circles(self) -> list[list[str]]:
        """Groups of modules that import each other, each sorted (strongly connected components)."""
        return [sorted(group) for group in _components(self.graph) if len(group) > 1]

    def loose(self, package: str) -> list[str]:
        return sorted(path.name for path in (self.root / package).glob("*.py") if path.name not in ANONYMOUS)

    def shared_names(self, package: str) -> dict[str, list[str]]:
        """File names that stand twice or more inside ``package``, with their places."""
        places: dict[str, list[str]] = defaultdict(list)
        for path in sorted((self.root / package).rglob("*.py")):
            if path.name not in ANONYMOUS:
                places[path.name].append(str(path.relative_to(self.root)))
        return {name: found for name, found in places.items() if len(found) > 1}

    def classes(self) -> dict[str, list[str]]:
        """Class names that stand twice or more, with their modules."""
        places: dict[str, list[str]] = defaultdict(list)
        for module, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(module)
        return {name: modules for name, modules in places.items() if len(modules) > 1}

    def functions(self) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for module, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{module}.{node.name}", node

    def signatures_with(self, argument: str) -> list[str]:
        """Functions that take ``argument``."""
        return [
            name
            for name, node in self.functions()
            if argument in {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
        ]

    def longest(self) -> tuple[int, str]:
        return max(((node.end_lineno or node.lineno) - node.lineno + 1, name) for name, node in self.functions())

    def lines(self, path: str) -> int:
        return len((self.root / path).read_text().splitlines())

    def uses_of(self, name: str) -> int:
        """How often the plain name stands in the source of the packages."""
        return Counter(n.id for tree in self.trees.values() for n in ast.walk(tree) if isinstance(n, ast.Name))[name]


def _components(graph: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components (Tarjan 1972), without recursion limits mattering at this size."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            found.append(group)

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def rows(checkout: Checkout) -> dict[str, str]:
    """The figures of the layout, as text by name."""
    circles = [group for group in checkout.circles() if len({module.partition(".")[0] for module in group}) == 1]
    shared = {package: checkout.shared_names(package) for package in ROOMS}
    length, longest = checkout.longest()
    return {
        "import circles": str(len(circles)),
        **{f"loose files of {package}/": str(len(checkout.loose(package))) for package in ROOMS},
        **{f"file names that stand twice in {package}/": str(len(shared[package])) for package in ROOMS},
        "class names that stand twice": str(len(checkout.classes())),
        "lines of cli.py": str(checkout.lines("cli.py")),
        "longest function": f"{length} ({longest})",
        "signatures with data_dir": str(len(checkout.signatures_with("data_dir"))),
        "uses of the name `found`": str(checkout.uses_of("found")),
    }


def main(folders: list[str]) -> None:
    columns = [rows(Checkout(Path(folder).resolve())) for folder in folders or ["."]]
    for name in columns[0]:
        print(f"{name:<45}" + "  ".join(f"{column[name]:<40}" for column in columns).rstrip())


if __name__ == "__main__":
    main(sys.argv[1:])
