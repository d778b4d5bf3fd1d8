"""The two halves of a budget: how a cell is trained and how it is evaluated. No torch here.

A field that equals its default is left out of every id, so a field added later changes no existing id; a default
must therefore never change (``tests/bench/cell/test_identity.py`` holds the ids of three cells).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self, get_args, get_origin, get_type_hints

Precision = Literal["auto", "float32", "bfloat16"]
Weights = Literal["raw", "ema"]
ConditionName = Literal["none", "label", "text"]  # what the network is told besides the noisy image and the time
Process = Literal["vp", "sd", "flow"]  # continuous VP-SDE; Stable Diffusion's 1,000 steps; rectified flow
PredictionName = Literal["eps", "x0", "v", "edm"]  # what the network's output stands for (docs/recipes.md)
LossSpace = Literal["own", "eps", "x0", "v"]  # of what the error is taken; "own": of the output itself
Weighting = Literal["none", "min_snr"]
Times = Literal["uniform", "logit_normal", "shifted", "lognormal"]  # how training's times are distributed


class Draw(NamedTuple):
    """How images are drawn: a sampler and its network evaluations an image; as text ``ddim:50``."""

    sampler: str
    nfe: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """Typed fields that text and TOML can set, with an error that says what was expected."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, where: str) -> Self:
        """Build the section from plain values. Raises ValueError naming ``where`` and the key."""
        return cls().replace(values, where=where)

    def replace(self, values: Mapping[str, Any], *, where: str) -> Self:
        """A copy with ``values`` set; unknown keys, wrong types and values out of range raise ValueError."""
        hints = get_type_hints(type(self))
        for key in values:
            if key not in hints:
                raise ValueError(f"{where}: unknown key {key!r}; known: {', '.join(hints)}")
        checked = {key: _coerce(value, hints[key], f"{where}.{key}") for key, value in values.items()}
        result = dataclasses.replace(self, **checked)
        result.validate(where)
        return result

    def validate(self, where: str) -> None:
        """Raise ValueError when a value is out of range."""

    def asdict(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def identity(self) -> dict[str, Any]:
        """The fields that differ from their default, JSON-able: what an id hashes."""
        return {
            f.name: _plain(getattr(self, f.name))
            for f in dataclasses.fields(self)
            if getattr(self, f.name) != f.default
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig(_Section):
    """What the weights depend on; defaults are the paper's CIFAR10 settings (docs/paper.md section 2)."""

    steps: int = 500_000
    batch_size: int = 128  # always the global batch; memory only ever changes the micro-batch
    lr: float = 2e-4
    weight_decay: float = 0.03
    betas: tuple[float, float] = (0.99, 0.999)
    warmup: int = 2_500  # steps of linear warm-up, then constant
    cooldown: float = 0.0  # share of the steps, the last, over which the rate falls linearly to zero
    ema_decay: float = 0.9999  # at step k: min(ema_decay, (1 + k) / (10 + k))
    image_size: int = 0  # pixels; 0 = the dataset's own, else its area mean
    precision: Precision = "auto"  # resolved before the id is taken
    process: Process = "vp"
    condition: ConditionName = "none"
    p_uncond: float = 0.0  # share of training images whose condition is dropped, so that guidance is possible
    prediction: PredictionName = "eps"
    loss_space: LossSpace = "own"
    weighting: Weighting = "none"
    times: Times = "uniform"

    def validate(self, where: str) -> None:
        _at_least(where, 1, steps=self.steps, batch_size=self.batch_size)
        _at_least(where, 0, warmup=self.warmup, weight_decay=self.weight_decay, image_size=self.image_size)
        _positive(where, lr=self.lr)
        _at_least(where, 0, cooldown=self.cooldown)
        left = max(0.0, 1 - self.warmup / self.steps)
        if self.cooldown > left + 1e-9:
            raise ValueError(
                f"{where}.cooldown: expected at most {left:.4g}, the share of "
                f"{self.steps} steps that {self.warmup} of warm-up leave; got {self.cooldown}"
            )
        _fraction(where, ema_decay=self.ema_decay, beta1=self.betas[0], beta2=self.betas[1], p_uncond=self.p_uncond)

    def check_recipe(self, where: str) -> None:
        """Raise ValueError where choices of the recipe exclude each other; once all of them are made."""
        if self.weighting == "min_snr" and self.loss_space != "own":
            raise ValueError(
                f"{where}.weighting=min_snr says what an error of x0 weighs, in whatever space it is taken; leave "
                f"{where}.loss_space={self.loss_space} out"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationConfig(_Section):
    """When and how a cell is scored; never changes its weights."""

    every: int = 50_000  # steps between scores; 0 = only after the last step
    val_every: int = 0  # steps between validation losses; 0 = whenever scores are taken
    val_images: int = 500  # held-out images at each noise level of val_loss
    val_levels: int = 5  # noise levels of val_loss: 5, at random times, or 20, at even ones, four to each of five bins
    samples: int = 10_000
    sampler: str = "dpm_solver"
    nfe: int = 50
    final_samples: int = 0  # after the last step, once more with the final sampler; 0 = no such score
    final_sampler: str = "euler_maruyama"
    final_nfe: int = 1_000
    guidance: float = 0.0  # s in c + s(c - u), the paper's scale; 0 = the conditional prediction alone
    sweep: tuple[str, ...] = ()  # after the last step also with each sampler:nfe, as dpm_solver:10 (paper's Table 3)
    sweep_max_nfe: int = 0  # entries of the sweep with more evaluations are left out; 0 = none are
    weights: tuple[Weights, ...] = ("ema",)
    extractor: str = "inception"
    metrics: tuple[str, ...] = ("frechet", "kernel", "precision_recall")
    reference_count: int = 0  # training images in the reference; 0 = all
    sample_batch: int = 512  # changes float rounding only, never the noise

    def validate(self, where: str) -> None:
        _at_least(where, 0, every=self.every, val_every=self.val_every, reference_count=self.reference_count)
        _at_least(where, 0, samples=self.samples, final_samples=self.final_samples, guidance=self.guidance)
        _at_least(
            where, 1, val_images=self.val_images, nfe=self.nfe, final_nfe=self.final_nfe, sample_batch=self.sample_batch
        )
        if self.val_levels not in (5, 20):
            raise ValueError(f"{where}.val_levels: expected 5 or 20, got {self.val_levels}")
        for name in ("samples", "final_samples", "reference_count"):
            if getattr(self, name) == 1:
                raise ValueError(f"{where}.{name}: expected 0 or at least 2 (a covariance needs two images), got 1")
        _at_least(where, 0, sweep_max_nfe=self.sweep_max_nfe)
        for entry in self.sweep:
            as_draw(entry, where=f"{where}.sweep")
        if not self.weights:
            raise ValueError(f"{where}.weights: expected at least one of 'raw', 'ema'; got an empty list")

    @property
    def own_draws(self) -> list[Draw]:
        """How samples are drawn apart from the sweep."""
        asked = [(self.samples, Draw(self.sampler, self.nfe))]
        asked += [(self.final_samples, Draw(self.final_sampler, self.final_nfe))]
        return list(dict.fromkeys(draw for samples, draw in asked if samples))

    @property
    def written_sweep(self) -> list[Draw]:
        """The sweep as written down, each entry once."""
        return list(dict.fromkeys(as_draw(entry, where="evaluation.sweep") for entry in self.sweep))

    @property
    def sweep_draws(self) -> list[Draw]:
        """The entries of the sweep within ``sweep_max_nfe``: those that are scored."""
        return [draw for draw in self.written_sweep if not self.sweep_max_nfe or draw.nfe <= self.sweep_max_nfe]


def as_draw(entry: str, *, where: str) -> Draw:
    """``sampler:evaluations`` as a `Draw`; ValueError naming ``where``. The sampler may be unknown."""
    sampler, _, nfe = entry.partition(":")
    if not sampler or not (nfe.isascii() and nfe.isdigit() and int(nfe)):
        raise ValueError(f"{where}: expected SAMPLER:EVALUATIONS such as dpm_solver:10, got {entry!r}")
    return Draw(sampler, int(nfe))


def as_precision(text: str, *, where: str) -> Precision:
    """``text`` as a precision; ValueError naming ``where`` otherwise."""
    checked: Precision = _coerce(text, Precision, where)
    return checked


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _coerce(value: Any, kind: Any, where: str) -> Any:
    """``value`` (from TOML, JSON or the command line) as ``kind``, or a ValueError that says what was expected."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value in args:
            return value
        raise ValueError(f"{where}: expected one of {', '.join(map(repr, args))}; got {value!r}")
    if origin is tuple:
        items = (value.split(",") if value.strip() else []) if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or (args[-1] is not Ellipsis and len(items) != len(args)):
            raise ValueError(f"{where}: expected {len(args)} values separated by commas, got {value!r}")
        kinds = [args[0]] * len(items) if args[-1] is Ellipsis else args
        return tuple(_coerce(item, each, where) for item, each in zip(items, kinds, strict=True))
    if kind is str and isinstance(value, str):
        return value.strip()
    return _number(value, kind, where)


def _number(value: Any, kind: type, where: str) -> Any:
    words = {int: "a whole number", float: "a number", str: "text"}[kind]
    if kind is str or isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{where}: expected {words}, got {value!r}")
    try:
        number = float(value.replace("_", "")) if isinstance(value, str) else float(value)
    except ValueError:
        raise ValueError(f"{where}: expected {words}, got {value!r}") from None
    if not math.isfinite(number) or (kind is int and not number.is_integer()):
        raise ValueError(f"{where}: expected {words}, got {value!r}")
    return kind(number)


def _at_least(where: str, bound: int, **values: float) -> None:
    for name, value in values.items():
        if value < bound:
            raise ValueError(f"{where}.{name}: expected at least {bound}, got {value}")


def _positive(where: str, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{where}.{name}: expected more than 0, got {value}")


def _fraction(where: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{where}.{name}: expected a number in [0, 1), got {value}")
