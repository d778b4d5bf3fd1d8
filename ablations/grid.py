"""Grids: which comparisons run. A TOML file names axes or variants, a baseline and an endpoint; it expands to arms.

No torch here: a grid lists, loads and expands without it.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from ablations.arms import MEASURES, Arm, as_measure

SCALED = "scaled"  # the paper's sizes relative to the preset; in place of a list of options
_KEYS = ("question", "reference", "baseline", "endpoint", "evaluation", "axes", "variants", "match", "within")
_ENDPOINT_KEYS = ("metric", "weights", "step", "margin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """The axis whose options are a grid's blocks: all arms run inside each, against that block's own baseline."""

    axis: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A comparison as written down: ``axes`` (options, one axis at a time) or ``variants`` (text, by arm).

    ``evaluation`` holds fields of the budget's evaluation that the grid sets, unchecked until it meets a budget.
    ``match`` ("params" or "macs") adds a size-matched arm for each that differs from the baseline.
    ``baseline`` is the arm's name within its block.
    """

    name: str
    question: str
    baseline: str
    reference: str = ""
    endpoint: Mapping[str, Any]
    axes: Mapping[str, list[str] | str]
    variants: Mapping[str, str]
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    match: str = ""
    within: Within | None = None

    def baseline_of(self, arm: Arm) -> str:
        """The name of the arm that ``arm`` is compared with."""
        return f"{arm.block}/{self.baseline}" if arm.block else self.baseline

    def arms(self, preset: str, *, image_size: int, settle: Callable[[str], str] | None = None) -> list[Arm]:
        """The arms relative to ``preset``, in the file's order, each variant once; block by block.

        ``settle`` is the normal text of a variant; `variants.canonical`, or what a budget makes of it.
        Raises ValueError for an unknown axis or option, for a baseline that is not among the arms, and for two blocks
        that are one.
        """
        from variants import canonical

        settle = settle or canonical
        if self.within is None:
            return self._arms_of_a_block(preset, image_size, settle)
        blocks = {
            option: self._arms_of_a_block(preset, image_size, _with_option(settle, f"{self.within.axis}={option}"))
            for option in self.within.options
        }
        self._check_blocks(blocks)
        return [
            dataclasses.replace(arm, name=f"{option}/{arm.name}", block=option)
            for option, arms in blocks.items()
            for arm in arms
        ]

    def _arms_of_a_block(self, preset: str, image_size: int, settle: Callable[[str], str]) -> list[Arm]:
        arms = self._variant_arms(preset, settle) if self.variants else self._axis_arms(preset, image_size, settle)
        if self.baseline not in [arm.name for arm in arms]:
            names = ", ".join(arm.name for arm in arms)
            raise ValueError(f"grid {self.name}: baseline {self.baseline!r} is not one of its arms: {names}")
        return arms

    def _check_blocks(self, blocks: Mapping[str, list[Arm]]) -> None:
        """Raise ValueError where an arm of one block is the same variant as one of another."""
        assert self.within is not None
        seen: dict[str, str] = {}
        for option, arms in blocks.items():
            for arm in arms:
                if arm.variant in seen:
                    raise ValueError(
                        f"grid {self.name}: [within] {self.within.axis}: {seen[arm.variant]} and {option} are the same "
                        f"({arm.variant}) here; leave one of them out"
                    )
            seen |= {arm.variant: option for arm in arms}

    def _variant_arms(self, preset: str, settle: Callable[[str], str]) -> list[Arm]:
        return [_variant_arm(name, text, preset, settle) for name, text in self.variants.items()]

    def _axis_arms(self, preset: str, image_size: int, settle: Callable[[str], str]) -> list[Arm]:
        from variants import AXES

        default, arms = settle(preset), dict[str, Arm]()
        for axis, options in self.axes.items():
            for option in _options(axis, options, preset, image_size):
                variant = settle(f"{preset}+{axis}={option}")
                name = self._arm_name(axis, option, is_default=variant == default)
                formula = "" if name == "default" else AXES.get(axis).option(option).formula
                arms.setdefault(variant, Arm(name=name, variant=variant, formula=formula))
        if self.baseline == "default" and default not in arms:
            arms = {default: Arm(name="default", variant=default), **arms}
        return list(arms.values())

    def _arm_name(self, axis: str, option: str, *, is_default: bool) -> str:
        if is_default and self.baseline == "default":
            return "default"
        return f"{axis}={option}" if len(self.axes) > 1 or option.isdigit() else option


def _variant_arm(name: str, text: str, preset: str, settle: Callable[[str], str]) -> Arm:
    """An arm from its text, relative to the preset or whole: ``NAME/`` takes the preset's patch, ``~macs`` sizes it."""
    from variants.presets import split_preset

    variant, tilde, measure = text.partition("~")
    if tilde and measure not in MEASURES:
        raise ValueError(f"arm {name}: expected one of {', '.join(MEASURES)} after '~', got {measure!r}")
    own, plus, options = variant.partition("+")
    if own.endswith("/"):
        patch = split_preset(preset.partition("+")[0])[1]
        variant = f"{own}{patch}{plus}{options}" if patch else own.rstrip("/") + plus + options
    elif not own:
        variant = preset + variant
    return Arm(name=name, variant=settle(variant), match=measure)


def _with_option(settle: Callable[[str], str], option: str) -> Callable[[str], str]:
    """``settle`` of variants that also have ``option``."""
    return lambda variant: settle(f"{variant}+{option}")


def _options(axis: str, options: list[str] | str, preset: str, image_size: int) -> list[str]:
    if options != SCALED:
        return [str(option) for option in options]
    from variants import scaled_options

    return [str(option) for option in scaled_options(axis, preset, image_size=image_size)]


def grid_names() -> list[str]:
    """Names of the bundled grids, sorted."""
    files = resources.files("ablations").joinpath("grids").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def load_grid(name_or_path: str | Path) -> Grid:
    """A bundled grid by name, or a grid file by path (its stem is its name).

    Raises ValueError for an unknown name, an unreadable file or a typo in it; the message is one line.
    """
    text = str(name_or_path)
    if text.endswith(".toml"):
        path = Path(text)
        if not path.is_file():
            raise ValueError(f"no grid file at {path}; expected a TOML file or one of: {', '.join(grid_names())}")
        return _parse(path.stem, path.read_text(encoding="utf-8"), where=str(path))
    if text not in grid_names():
        near = difflib.get_close_matches(text, grid_names(), 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown grid {text!r}; {hint}known: {', '.join(grid_names())}, or a path ending in .toml")
    source = resources.files("ablations").joinpath("grids", f"{text}.toml")
    return _parse(text, source.read_text(encoding="utf-8"), where=f"grid {text}")


def _parse(name: str, text: str, *, where: str) -> Grid:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{where} is not valid TOML: {error}") from None
    _check_keys(content, _KEYS, where)
    axes, variants = content.get("axes", {}), content.get("variants", {})
    if bool(axes) == bool(variants):
        raise ValueError(f"{where}: expected either [axes] or variants, got {'both' if axes else 'neither'}")
    for key in ("question", "baseline"):
        if not isinstance(content.get(key), str) or not content[key].strip():
            raise ValueError(f'{where}: expected {key} = "some text", got {content.get(key)!r}')
    return Grid(
        name=_checked_name(name, where),
        question=content["question"],
        baseline=content["baseline"],
        reference=str(content.get("reference", "")),
        endpoint=_endpoint(content.get("endpoint", {}), where),
        axes=_axes(axes, where),
        variants=_variants(variants, where),
        evaluation=_evaluation(content.get("evaluation", {}), where),
        match=as_measure(str(content.get("match", "")), where=f"{where}: match"),
        within=_within(content.get("within", {}), axes, where),
    )


def _checked_name(name: str, where: str) -> str:
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise ValueError(f"{where}: a grid's name (its file's stem) has letters, digits, - and _ only; got {name!r}")
    return name


def _check_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"{where}: unknown key {key!r}; {hint}known: {', '.join(known)}")


def _endpoint(table: Any, where: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ValueError(f"{where}: expected a table [endpoint], got {table!r}")
    _check_keys(table, _ENDPOINT_KEYS, f"{where}: [endpoint]")
    if "weights" in table and table["weights"] not in ("raw", "ema"):
        raise ValueError(f"{where}: [endpoint] weights: expected 'raw' or 'ema', got {table['weights']!r}")
    margin = table.get("margin", 1)
    if isinstance(margin, bool) or not isinstance(margin, int | float) or not margin > 0:
        raise ValueError(f"{where}: [endpoint] margin: expected a number above 0, got {margin!r}")
    return dict(table)


def _evaluation(table: Any, where: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ValueError(f"{where}: expected a table [evaluation], got {table!r}")
    return dict(table)


def _axes(table: Any, where: str) -> dict[str, list[str] | str]:
    if not isinstance(table, dict):
        raise ValueError(f"{where}: expected a table [axes], got {table!r}")
    axes: dict[str, list[str] | str] = {}
    for axis, options in table.items():
        if options == SCALED:
            axes[axis] = SCALED
        elif isinstance(options, list) and options and all(isinstance(o, str | int) for o in options):
            axes[axis] = [str(option) for option in options]
        else:
            raise ValueError(f"{where}: axes.{axis}: expected a list of options or {SCALED!r}, got {options!r}")
    return axes


def _within(table: Any, axes: Mapping[str, Any], where: str) -> Within | None:
    if not table and isinstance(table, dict):
        return None
    if not isinstance(table, dict) or len(table) != 1:
        got = ", ".join(table) if isinstance(table, dict) else repr(table)
        raise ValueError(f'{where}: [within]: expected one axis, such as prediction = ["eps", "v"], got {got}')
    ((axis, options),) = table.items()
    if axis in axes:
        raise ValueError(
            f"{where}: {axis} is in [axes] and in [within]; an axis is either compared or makes the blocks"
        )
    whole = isinstance(options, list) and len(options) > 1 and all(isinstance(o, str | int) for o in options)
    if not whole or any(isinstance(option, bool) for option in options):
        raise ValueError(f"{where}: [within] {axis}: expected a list of two options or more, got {options!r}")
    names = tuple(str(option) for option in options)
    if len(set(names)) < len(names):
        raise ValueError(f"{where}: [within] {axis}: expected each option once, got {', '.join(names)}")
    return Within(axis=axis, options=names)


def _variants(table: Any, where: str) -> dict[str, str]:
    if isinstance(table, list):
        table = {str(text).lstrip("+") or "default": text for text in table}
    if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
        raise ValueError(f'{where}: variants: expected a list or a table of texts such as "+skip=add", got {table!r}')
    return dict(table)
