"""The grid manifest ``DIR/grids/<grid>.json``: all that a report knows of a grid.

::

    {schema, name, question, baseline: <arm>, reference,
     endpoint: {metric, weights, step, margin}, budget, dataset, preset?, runtime?: {},
     evaluation?: {draws: [{sampler, nfe}], sweep: [{sampler, nfe}], left_out: [{sampler, nfe}]},
     seeds?: [first, ...], looks?: [n, ...], sections?: {training: {}, evaluation: {}}, within?,
     arms: [{arm, variant, formula?, match?, residual?, sizes?: {depth, width, patch}, block?,
             settings?: [text], cells: [{seed, train_id}]}]}

``evaluation`` says which samples the grid asked for, apart from its sweep and by it; a record holds those of other
grids too. ``seeds`` are those planned, in the order of the looks; ``looks`` the numbers of seeds at which arms are
judged, rising: one for a grid of a fixed size. ``sections`` are the budget's training and evaluation in full, as its
grid changes them. ``within`` names the axis whose options are the grid's blocks: each arm has its option as ``block``
and is called ``block/arm``, and each block has an arm ``block/baseline`` of its own. ``settings`` are what an arm's
training has that its budget's has not, as ``training.prediction=v``. Further keys are kept (``more``)
and ignored. ``endpoint.step`` may be "final" or null: the last step of the training. Manifests written before a key
marked ``?`` existed lack it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self, TypeVar

from results.schema import SCHEMA, check_schema, construct, dumps, is_count, is_id, loads

LOOKS = (3, 6, 12)  # seeds at which a grid that goes on until it is resolved is looked at; more are exploratory
T = TypeVar("T")

_TEXTS = ("name", "question", "baseline", "reference", "budget", "dataset")
_DRAWS = ("draws", "sweep", "left_out")
_COUNTS = ("seeds", "looks")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEndpoint:
    """The one number that the grid is decided by."""

    metric: str
    weights: str
    step: str | int | None = None  # "final" and None: the last step of the training
    margin: float | None = None  # in the metric's unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestDraw:
    """How samples are drawn: a sampler and its network evaluations an image."""

    sampler: str
    nfe: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEvaluation:
    """The samples that the grid asked for: apart from its sweep, by it, and by it but beyond the budget."""

    draws: tuple[ManifestDraw, ...] = ()
    sweep: tuple[ManifestDraw, ...] = ()
    left_out: tuple[ManifestDraw, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From a checked mapping."""
        return cls(**{name: tuple(_of(ManifestDraw, draw) for draw in values.get(name, ())) for name in _DRAWS})


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestCell:
    """One seed of an arm."""

    seed: int
    train_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestArm:
    """One variant under the name that tables show, and its cells, one a seed."""

    arm: str
    variant: str
    formula: str = ""
    match: str = ""  # "params" or "macs": sized to the baseline
    residual: float | None = None  # (its size - the baseline's) / the baseline's, where it is sized
    sizes: Mapping[str, int] | None = None  # depth, width, patch
    block: str = ""  # the option of the manifest's ``within``
    settings: tuple[str, ...] = ()  # where its training differs from the budget's own
    cells: tuple[ManifestCell, ...]
    more: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From a checked mapping."""
        cells = tuple(_of(ManifestCell, cell) for cell in values["cells"])
        known = _known(cls, values) | {"cells": cells, "match": values.get("match") or ""}
        known["settings"] = tuple(values.get("settings", ()))
        return cls(**known, more=_more(cls, values))

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {
            "arm": self.arm,
            "variant": self.variant,
            "formula": self.formula,
            **({"match": self.match, "residual": self.residual} if self.match else {}),
            **({"sizes": dict(self.sizes)} if self.sizes is not None else {}),
            **({"block": self.block} if self.block else {}),
            **({"settings": list(self.settings)} if self.settings else {}),
            "cells": [asdict(cell) for cell in self.cells],
            **self.more,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What one grid is. Raises ValueError, naming the field, unless reports can rely on it."""

    schema: int = SCHEMA
    name: str
    question: str
    baseline: str  # the name of an arm
    reference: str
    endpoint: ManifestEndpoint
    budget: str
    dataset: str
    preset: str | None = None
    runtime: Mapping[str, Any] | None = None
    evaluation: ManifestEvaluation | None = None
    seeds: tuple[int, ...] = ()  # planned, in the order of the looks
    looks: tuple[int, ...] = ()  # numbers of seeds at which arms are judged
    sections: Mapping[str, Mapping[str, Any]] | None = None  # training and evaluation
    within: str = ""  # the axis of the blocks
    arms: tuple[ManifestArm, ...]
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the file, in its order of keys."""
        return {
            "schema": self.schema,
            "name": self.name,
            "question": self.question,
            "baseline": self.baseline,
            "reference": self.reference,
            "endpoint": asdict(self.endpoint),
            "budget": self.budget,
            "dataset": self.dataset,
            **({"preset": self.preset} if self.preset is not None else {}),
            **({"runtime": dict(self.runtime)} if self.runtime is not None else {}),
            **({"evaluation": _listed(self.evaluation)} if self.evaluation is not None else {}),
            **({"seeds": list(self.seeds)} if self.seeds else {}),
            **({"looks": list(self.looks)} if self.looks else {}),
            **({"sections": {name: dict(values) for name, values in self.sections.items()}} if self.sections else {}),
            **({"within": self.within} if self.within else {}),
            "arms": [arm.to_dict() for arm in self.arms],
            **self.more,
        }

    def to_json(self) -> str:
        """The text of the file."""
        return dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = "manifest") -> Self:
        """The manifest in ``text``. Raises ValueError naming ``where`` and the field."""
        return cls.from_dict(loads(text, where=where), where=where)

    @classmethod
    def from_dict(cls, values: Any, *, where: str = "manifest") -> Self:
        """The manifest in a plain mapping, as ``json.loads`` gives it; raises as `from_json` does."""
        check_schema(values, where=where)
        content = _known(cls, values) | {"more": _more(cls, values)}
        try:
            _check(values)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        content["endpoint"] = _of(ManifestEndpoint, values["endpoint"])
        content["arms"] = tuple(ManifestArm.of(arm) for arm in values["arms"])
        content |= {key: tuple(values.get(key, ())) for key in _COUNTS}
        if "evaluation" in values:
            content["evaluation"] = ManifestEvaluation.of(values["evaluation"])
        made: Self = construct(cls, content, where)
        return made


def _known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``values`` that are fields of the dataclass ``kind``."""
    names = {f.name for f in fields(kind)} - {"more"}
    return {name: value for name, value in values.items() if name in names}


def _more(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``values`` that are not."""
    known = _known(kind, values)
    return {name: value for name, value in values.items() if name not in known}


def _of(kind: type[T], values: Mapping[str, Any]) -> T:
    return kind(**_known(kind, values))


def _listed(evaluation: ManifestEvaluation) -> dict[str, list[dict[str, Any]]]:
    return {name: [asdict(draw) for draw in getattr(evaluation, name)] for name in _DRAWS}


def _check(values: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the field, unless a file's content is whole."""
    for key in _TEXTS:
        _need(isinstance(values.get(key), str), key, "text", values.get(key))
    _check_endpoint(values.get("endpoint"))
    for key, kind, expected in (("preset", str, "text"), ("runtime", dict, "an object")):
        _need(isinstance(values.get(key), kind | None), key, f"{expected} or null", values.get(key))
    _check_evaluation(values.get("evaluation", {}))
    _check_plan(values)
    arms = values.get("arms")
    _need(isinstance(arms, list) and bool(arms), "arms", "a non-empty list", arms)
    for i, arm in enumerate(arms or ()):
        _check_arm(arm, f"arms[{i}]")
    names = [arm["arm"] for arm in arms or ()]
    _need(len(set(names)) == len(names), "arms", "names without repetition", names)
    _check_baselines(values, arms or ())


def _check_plan(values: Mapping[str, Any]) -> None:
    for key in _COUNTS:
        counts = values.get(key, [])
        _need(isinstance(counts, list) and all(map(is_count, counts)), key, "a list of whole numbers", counts)
    seeds, looks = values.get("seeds", []), values.get("looks", [])
    _need(len(set(seeds)) == len(seeds), "seeds", "each seed once", seeds)
    _need(looks == sorted(set(looks)) and 0 not in looks, "looks", "rising numbers of seeds from 1", looks)
    _need(not looks or looks[-1] <= len(seeds), "looks", f"no more than the {len(seeds)} planned seeds", looks)
    sections = values.get("sections")
    whole = isinstance(sections, dict) and all(isinstance(section, dict) for section in sections.values())
    _need(sections is None or whole, "sections", "an object of objects or null", sections)
    _need(isinstance(values.get("within", ""), str), "within", "text", values.get("within"))


def _check_baselines(values: Mapping[str, Any], arms: Sequence[Mapping[str, Any]]) -> None:
    """Each block has a baseline of its own; a grid without blocks is one block."""
    names, baseline = [arm["arm"] for arm in arms], values["baseline"]
    blocks = dict.fromkeys(arm.get("block") or "" for arm in arms)
    _need(bool(values.get("within")) != ("" in blocks), "within", "a block for every arm, or for none", list(blocks))
    for block in blocks:
        name = f"{block}/{baseline}" if block else baseline
        _need(name in names, "baseline", f"one of the arms {', '.join(names)}", name)


def _check_endpoint(endpoint: Any) -> None:
    _need(isinstance(endpoint, dict), "endpoint", "an object", endpoint)
    for key in ("metric", "weights"):
        _need(isinstance(endpoint.get(key), str), f"endpoint.{key}", "text", endpoint.get(key))
    step, margin = endpoint.get("step"), endpoint.get("margin")
    _need(step in (None, "final") or is_count(step), "endpoint.step", "a step, 'final' or null", step)
    _need(margin is None or _is_number(margin), "endpoint.margin", "a number or null", margin)


def _check_evaluation(evaluation: Any) -> None:
    _need(isinstance(evaluation, dict), "evaluation", "an object", evaluation)
    for key in _DRAWS:
        drawn = evaluation.get(key, [])
        whole = isinstance(drawn, list) and all(
            isinstance(draw, dict) and isinstance(draw.get("sampler"), str) and is_count(draw.get("nfe"))
            for draw in drawn
        )
        _need(whole, f"evaluation.{key}", "objects with sampler and nfe", drawn)


def _check_arm(arm: Any, name: str) -> None:
    _need(isinstance(arm, dict), name, "an object", arm)
    for key in ("arm", "variant"):
        _need(isinstance(arm.get(key), str) and arm[key] != "", f"{name}.{key}", "text", arm.get(key))
    _need(isinstance(arm.get("formula", ""), str), f"{name}.formula", "text", arm.get("formula"))
    _need(isinstance(arm.get("match"), str | None), f"{name}.match", "text or null", arm.get("match"))
    residual, sizes, cells = arm.get("residual"), arm.get("sizes"), arm.get("cells")
    _need(isinstance(arm.get("block", ""), str), f"{name}.block", "text", arm.get("block"))
    settings = arm.get("settings", [])
    whole = isinstance(settings, list) and all(isinstance(setting, str) for setting in settings)
    _need(whole, f"{name}.settings", "a list of texts", settings)
    _need(residual is None or _is_number(residual), f"{name}.residual", "a number or null", residual)
    _need(sizes is None or _is_sizes(sizes), f"{name}.sizes", "an object of whole numbers or null", sizes)
    _need(isinstance(cells, list), f"{name}.cells", "a list", cells)
    for cell in cells:
        whole = isinstance(cell, dict) and is_count(cell.get("seed")) and is_id(cell.get("train_id"))
        _need(whole, f"{name}.cells", "objects with seed and train_id", cell)
    seeds = [cell["seed"] for cell in cells]
    _need(len(set(seeds)) == len(seeds), f"{name}.cells", "each seed once", seeds)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_sizes(value: Any) -> bool:
    return isinstance(value, dict) and all(is_count(size) for size in value.values())


def _need(holds: bool, key: str, expected: str, got: Any) -> None:
    if not holds:
        raise ValueError(f"{key}: expected {expected}, got {' '.join(repr(got).split())[:60]}")
