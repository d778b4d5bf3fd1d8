"""No function of `bench` that a user calls hides a fixed seed: two batches drawn by it would be nearly one batch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import bench

ROOT = Path(bench.__file__).parent
DRAWS = {"manual_seed", "default_rng", "stream", "Philox", "seed"}

# What draws from a number that nobody gave, and why it is no sample that a user could take twice for two.
FIXED = {
    "diffusion/convergence/study.py: _start": "the study's paths; its report says so",
    "fid/distance.py: _gaussian": "a probe: is the covariance symmetric?",
    "fid/metrics.py: _real_images": "which held-out images the floor is of",
    "fid/reference.py: chosen_rows": "which images a smaller reference is of",
    "training/validation.py: validation_loss": "which held-out images; their noise has the seed that is given",
    "trained/neighbours.py: _held_out": "which held-out images",
    "machine/attention_kernel.py: _random_qkv": "what a kernel is timed on",
}


def test_what_is_drawn_from_a_number_that_nobody_gave() -> None:
    assert set(_fixed_draws()) - set(FIXED) == set(), "take a seed or a generator; or say here why it is no sample"


def test_a_seed_with_a_default_is_explained() -> None:
    """Where a fixed seed is what the suite means (common random numbers), the docstring says what repeats with it."""
    silent = [place for place, doc in _defaulted_seeds() if "``seed``" not in doc]
    assert silent == []


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def _fixed_draws() -> Iterator[str]:
    for file, tree in _trees():
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args):
                name = getattr(call.func, "attr", getattr(call.func, "id", None))
                if name in DRAWS and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, int):
                    yield f"{file}: {function.name}"


def _defaulted_seeds() -> Iterator[tuple[str, str]]:
    """Public functions and dataclasses whose ``seed`` is a number unless given, with their docstrings."""
    for file, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") and _has_seed(node):
                yield f"{file}: {node.name}", ast.get_docstring(node) or ""


def _has_seed(node: ast.FunctionDef | ast.ClassDef) -> bool:
    if isinstance(node, ast.ClassDef):
        fields = [(item.target, item.value) for item in node.body if isinstance(item, ast.AnnAssign)]
        given = [(target.id, value) for target, value in fields if isinstance(target, ast.Name)]
    else:
        given = [(a.arg, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
        positional = [*node.args.posonlyargs, *node.args.args]
        given += [(a.arg, d) for a, d in zip(reversed(positional), reversed(node.args.defaults), strict=False)]
    return any("seed" in name and isinstance(d, ast.Constant) and d.value is not None for name, d in given)
