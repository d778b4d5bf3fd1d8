"""The grid manifest ``DIR/grids/<grid>.json``: all that a report knows of a grid.

::

    {schema, name, question, baseline: <arm>, reference, budget, dataset, runtime: {},
     endpoint: {metric, weights, step, margin},
     evaluation?: {draws: [{sampler, nfe}], sweep: [{sampler, nfe}], left_out: [{sampler, nfe}]},
     arms: [{arm, variant, formula?, sizes?: {depth, width, patch}, cells: [{seed, train_id}]}]}

``evaluation`` says which samples the grid asked for, apart from its sweep and by it; a record holds those of other
grids too. Further keys are kept and ignored. ``endpoint.step`` may be "final" or null: the last step of the training.
"""

from __future__ import annotations

from typing import Any

from results.schema import check_schema, is_count, is_id


def check_manifest(manifest: Any, *, where: str) -> None:
    """Raise ValueError, naming ``where`` and the field, unless reports can rely on ``manifest``."""
    check_schema(manifest, where=where)
    for key in ("name", "question", "baseline", "reference", "budget", "dataset"):
        _need(isinstance(manifest.get(key), str), where, key, "text", manifest.get(key))
    _check_endpoint(manifest.get("endpoint"), where)
    _check_evaluation(manifest.get("evaluation", {}), where)
    arms = manifest.get("arms")
    _need(isinstance(arms, list) and bool(arms), where, "arms", "a non-empty list", arms)
    for i, arm in enumerate(arms):
        _check_arm(arm, f"arms[{i}]", where)
    names = [arm["arm"] for arm in arms]
    _need(len(set(names)) == len(names), where, "arms", "names without repetition", names)
    _need(manifest["baseline"] in names, where, "baseline", f"one of the arms {', '.join(names)}", manifest["baseline"])


def _check_endpoint(endpoint: Any, where: str) -> None:
    _need(isinstance(endpoint, dict), where, "endpoint", "an object", endpoint)
    for key in ("metric", "weights"):
        _need(isinstance(endpoint.get(key), str), where, f"endpoint.{key}", "text", endpoint.get(key))
    step, margin = endpoint.get("step"), endpoint.get("margin")
    _need(step in (None, "final") or is_count(step), where, "endpoint.step", "a step, 'final' or null", step)
    is_margin = isinstance(margin, int | float) and not isinstance(margin, bool)
    _need(margin is None or is_margin, where, "endpoint.margin", "a number or null", margin)


def _check_evaluation(evaluation: Any, where: str) -> None:
    _need(isinstance(evaluation, dict), where, "evaluation", "an object", evaluation)
    for key in ("draws", "sweep", "left_out"):
        drawn = evaluation.get(key, [])
        whole = isinstance(drawn, list) and all(
            isinstance(draw, dict) and isinstance(draw.get("sampler"), str) and is_count(draw.get("nfe"))
            for draw in drawn
        )
        _need(whole, where, f"evaluation.{key}", "objects with sampler and nfe", drawn)


def _check_arm(arm: Any, name: str, where: str) -> None:
    _need(isinstance(arm, dict), where, name, "an object", arm)
    for key in ("arm", "variant"):
        _need(isinstance(arm.get(key), str) and arm[key] != "", where, f"{name}.{key}", "text", arm.get(key))
    _need(isinstance(arm.get("formula", ""), str), where, f"{name}.formula", "text", arm.get("formula"))
    cells = arm.get("cells")
    _need(isinstance(cells, list), where, f"{name}.cells", "a list", cells)
    for cell in cells:
        whole = isinstance(cell, dict) and is_count(cell.get("seed")) and is_id(cell.get("train_id"))
        _need(whole, where, f"{name}.cells", "objects with seed and train_id", cell)
    seeds = [cell["seed"] for cell in cells]
    _need(len(set(seeds)) == len(seeds), where, f"{name}.cells", "each seed once", seeds)


def _need(holds: bool, where: str, key: str, expected: str, got: Any) -> None:
    if not holds:
        raise ValueError(f"{where}: {key}: expected {expected}, got {' '.join(repr(got).split())[:60]}")
