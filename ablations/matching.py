"""Arms of equal size: another arm, or a rival, brought to the baseline's parameters or MACs.

A U-ViT is sized by the hidden width of its MLPs, a rival first by its width, a U-Net by its channels: the knobs of its
family (`variants.families`), coarse to fine. No torch here for MACs: closed forms count them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ablations.arms import Arm

if TYPE_CHECKING:
    from variants.config import ModelConfig
    from variants.families import Knob

TOLERANCE = 0.01  # of the baseline's size
_NEIGHBOURS = 2  # coarse settings on either side of the target that are tried with the finer knob

Resolve = Callable[[str], "ModelConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A variant of nearly the wanted size; ``residual`` is (its size − the target) / the target.

    ``distortion`` tells how far, as a log ratio, the finer knobs are from where the first alone would leave them.
    """

    variant: str
    residual: float
    distortion: float = 0.0

    def text(self, measure: str) -> str:
        """How near it is, for a formula or a note."""
        return f"{_WORDS[measure]} {100 * self.residual:+.2f}% of the baseline's"


_WORDS = {"params": "parameters", "macs": "MACs"}


def size_arms(arms: list[Arm], *, baseline: str, measure: str, resolve: Resolve) -> tuple[list[Arm], list[str]]:
    """``arms`` with sizes matched to those of the arm ``baseline`` of their block, and notes on those that cannot be.

    An arm that asks for it (``Arm.match``) is replaced by its sized variant; ``measure`` adds, behind each arm that is
    off by more than 1%, a second one called ``name~measure``. ``resolve`` is the network of a variant on the data.
    Raises ValueError where an arm that asks for it cannot be matched.
    """
    targets = {arm.block: arm for arm in arms if arm.in_block == baseline}
    for target in targets.values():
        if target.match:
            raise ValueError(f"the baseline {baseline} is what arms are sized to; leave '~{target.match}' out of it")
    sized: list[Arm] = []
    notes: list[str] = []
    for arm in arms:
        target = targets[arm.block]
        if arm.match:
            matched = match(arm.variant, to=target.variant, measure=arm.match, resolve=resolve)
            sized.append(_sized(arm, matched, arm.match, arm.name))
            continue
        sized.append(arm)
        if measure and not _close(arm.variant, target.variant, measure, resolve):
            try:
                matched = match(arm.variant, to=target.variant, measure=measure, resolve=resolve)
            except ValueError as error:
                notes.append(f"no arm {arm.name}~{measure}: {error}")
            else:
                sized.append(_sized(arm, matched, measure, f"{arm.name}~{measure}"))
    return sized, notes


def _sized(arm: Arm, matched: Matched, measure: str, name: str) -> Arm:
    from variants import as_spec

    before = as_spec(arm.variant).options
    knobs = [f"{axis}={value}" for axis, value in as_spec(matched.variant).options if (axis, value) not in before]
    formula = ", ".join(part for part in (arm.formula, *knobs, matched.text(measure)) if part)
    return dataclasses.replace(
        arm, name=name, variant=matched.variant, formula=formula, match=measure, residual=matched.residual
    )


def _close(variant: str, other: str, measure: str, resolve: Resolve) -> bool:
    sizes = [size(resolve(text), measure) for text in (variant, other)]
    return abs(sizes[0] / sizes[1] - 1) <= TOLERANCE


def size(config: ModelConfig, measure: str) -> int:
    """Parameters or MACs of one image."""
    from bench.profile.closed_form.forms import closed_form
    from bench.profile.macs import count, parameters

    if measure == "params":
        return parameters(config)
    try:
        return closed_form(config).macs
    except ValueError:  # a plugin's layer
        return count(config)[1]


def match(variant: str, *, to: str, measure: str, resolve: Resolve) -> Matched:
    """``variant`` brought to the size of the variant ``to``, within 1%, by its family's knobs.

    Raises ValueError where its family has none or none of their settings comes so near.
    """
    from variants import FAMILIES

    target = size(resolve(to), measure)
    base = resolve(variant)
    knobs = FAMILIES.get(base.family).knobs
    if not knobs:
        raise ValueError(f"a {base.family} has nothing that could size it to {to}")
    search = _Search(base=variant, target=target, measure=measure, resolve=resolve)
    tried = list(search.settings(knobs))
    fitting = [each for each in tried if abs(each.residual) <= TOLERANCE]
    if not fitting:
        nearest = min(tried, key=lambda each: abs(each.residual))
        raise ValueError(
            f"{variant} comes no nearer to {to} than {nearest.variant}, {nearest.text(measure)}; 1% is allowed"
        )
    return min(fitting, key=lambda each: (each.distortion, abs(each.residual)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """Settings of the knobs of ``base`` around the size ``target``."""

    base: str
    target: int
    measure: str
    resolve: Resolve

    def settings(
        self, knobs: tuple[Knob, ...], fixed: Mapping[str, int] = MappingProxyType({}), distortion: float = 0.0
    ) -> Iterator[Matched]:
        """The nearest settings of the first knob, each alone and with the nearest ones of the knobs after it."""
        knob, finer = knobs[0], knobs[1:]
        config = self.resolve(self._text(fixed))
        step = knob.step or config.head_dim
        last_below = self._last_below(knob, step, fixed)
        reach = _NEIGHBOURS if finer else 1
        for multiple in range(last_below - reach + 1, last_below + reach + 1):
            if not 1 <= multiple <= knob.largest // step:
                continue
            setting = {**fixed, knob.axis: multiple * step}
            moved = distortion + (abs(math.log(multiple * step / knob.value(config))) if fixed else 0.0)
            yield self._matched(setting, moved)
            if finer:
                yield from self.settings(finer, setting, moved)

    def _last_below(self, knob: Knob, step: int, fixed: Mapping[str, int]) -> int:
        """The largest multiple of ``step`` that does not exceed the target; 0 where all do. Sizes grow with it."""
        low, high = 0, knob.largest // step
        while low < high:
            middle = (low + high + 1) // 2
            if self._size({**fixed, knob.axis: middle * step}) <= self.target:
                low = middle
            else:
                high = middle - 1
        return low

    def _size(self, setting: Mapping[str, int]) -> int:
        return size(self.resolve(self._text(setting)), self.measure)

    def _matched(self, setting: Mapping[str, int], distortion: float) -> Matched:
        from variants import canonical

        residual = self._size(setting) / self.target - 1
        return Matched(variant=canonical(self._text(setting)), residual=residual, distortion=distortion)

    def _text(self, setting: Mapping[str, int]) -> str:
        """``base`` with ``setting`` in place of what it says of the same axes."""
        from variants import Spec, as_spec

        spec = as_spec(self.base)
        options = {**dict(spec.options), **{axis: str(value) for axis, value in setting.items()}}
        return str(Spec(preset=spec.preset, options=tuple(options.items())))
