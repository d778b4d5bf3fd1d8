"""The one table of metrics: label, unit, digits and direction decide columns, arrows and sort order everywhere."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Direction = Literal["lower", "higher", "none"]  # which way is better

ARROWS: dict[Direction, str] = {"lower": "↓", "higher": "↑", "none": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """How one metric is shown. A value is multiplied by ``scale`` first; ``unit`` names the scaled unit."""

    name: str
    short: str  # "FD-1K"
    direction: Direction
    digits: int
    detail: str = ""  # what the short label leaves out: "effnet-lite0", "k=3"
    unit: str = ""
    scale: float = 1.0
    kind: str = "other"  # frechet, kernel, precision, recall, loss, bin, cost, speed, skill: what reports group by
    ratio: bool = False  # values, and their differences, are logarithms of ratios, shown as the ratios

    @property
    def label(self) -> str:
        """Short label and detail: for lines of text."""
        return f"{self.short} {self.detail}".rstrip()

    @property
    def heading(self) -> tuple[str, ...]:
        """Lines of a column's heading: short label with arrow, then detail and unit where there are any."""
        rest = ", ".join(part for part in (self.detail, self.unit) if part)
        first = f"{self.short} {ARROWS[self.direction]}".rstrip()
        return (first, rest) if rest else (first,)

    @property
    def axis(self) -> str:
        """Label with unit and direction in words, as an axis title."""
        unit = f", {self.unit}" if self.unit else ""
        words = {"lower": " (lower is better)", "higher": " (higher is better)", "none": ""}[self.direction]
        return f"{self.label}{unit}{words}"

    def format(self, value: float | None, *, signed: bool = False) -> str:
        """``value`` as text: digits of the table, a true minus sign, an en dash for None; a ratio has no sign."""
        if value is None or value != value:
            return "–"
        if self.ratio:
            return self._ratio(value)
        shown = round(value * self.scale, self.digits) + 0.0  # + 0.0 turns -0.0 into 0.0
        return f"{shown:{'+' if signed and shown else ''},.{self.digits}f}".replace("-", "−")

    def _ratio(self, log: float) -> str:
        if abs(log) > math.log(100):
            return ">100" if log > 0 else "<0.01"
        return f"{math.exp(log):.{self.digits}f}"


def describe(name: str) -> Metric:
    """The metric ``name``: by exact name, else by its family's pattern, else as it is named, without direction."""
    if name in _EXACT:
        return _EXACT[name]
    for pattern, build in _FAMILIES:
        if match := pattern.fullmatch(name):
            return build(name, *match.groups())
    return Metric(name=name, short=name, direction="none", digits=4)


def _count(text: str) -> str:
    return text.upper() if text.endswith("k") else f"{int(text):,}"


def _frechet(name: str, prefix: str, count: str) -> Metric:
    short = {"fid": "FID", "clean_fid": "clean-FID"}[prefix] + f"-{_count(count)}"
    return Metric(name=name, short=short, direction="lower", digits=2, kind="frechet")


def _feature_distance(name: str, extractor: str, count: str) -> Metric:
    detail = extractor.replace("_", "-")
    return Metric(name=name, short=f"FD-{_count(count)}", detail=detail, direction="lower", digits=2, kind="frechet")


def _kernel(name: str, prefix: str, count: str) -> Metric:
    short = {"kid": "KID", "clean_kid": "clean-KID"}[prefix] + f"-{_count(count)}"
    unit = "×10⁻³"  # as papers give it; other extractors' features have other sizes, and so no such custom
    return Metric(name=name, short=short, direction="lower", digits=2, unit=unit, scale=1e3, kind="kernel")


def _kernel_feature_distance(name: str, extractor: str, count: str) -> Metric:
    detail = extractor.replace("_", "-")
    return Metric(name=name, short=f"KD-{_count(count)}", detail=detail, direction="lower", digits=3, kind="kernel")


def _manifold(name: str, prefix: str, count: str, k: str) -> Metric:
    short = f"{prefix.capitalize()}-{_count(count)}"
    return Metric(name=name, short=short, detail=f"k={k}", direction="higher", digits=3, kind=prefix)


def _bin(name: str, level: str) -> Metric:
    detail = {"1": "cleanest", "5": "noisiest"}.get(level, "")
    return Metric(name=name, short=f"val loss bin {level}", detail=detail, direction="lower", digits=5, kind="bin")


_FAMILIES: tuple[tuple[re.Pattern[str], Callable[..., Metric]], ...] = (
    (re.compile(r"(fid|clean_fid)_(\d+k?)"), _frechet),
    (re.compile(r"fd_(\w+)_(\d+k?)"), _feature_distance),
    (re.compile(r"(kid|clean_kid)_(\d+k?)"), _kernel),
    (re.compile(r"kd_(\w+)_(\d+k?)"), _kernel_feature_distance),
    (re.compile(r"(precision|recall)_(\d+k?)_k(\d+)"), _manifold),
    (re.compile(r"val_loss_bin(\d+)"), _bin),
)


def _speed() -> Metric:
    detail = "times the baseline's steps"
    return Metric(
        name="speed", short="R", detail=detail, unit="×", direction="lower", digits=2, kind="speed", ratio=True
    )


def _skill() -> Metric:
    detail = "EMA loss over the linear filter's"
    return Metric(
        name="skill", short="skill", detail=detail, unit="×", direction="lower", digits=3, kind="skill", ratio=True
    )


_EXACT: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _speed(),
        _skill(),
        Metric(name="val_loss", short="val loss", direction="lower", digits=5, kind="loss"),
        Metric(name="train_loss", short="training loss", direction="lower", digits=5, kind="loss"),
        Metric(name="params", short="params", direction="none", digits=2, unit="M", scale=1e-6, kind="cost"),
        Metric(name="macs", short="MACs", direction="none", digits=2, unit="G", scale=1e-9, kind="cost"),
        Metric(name="flops", short="FLOPs", direction="none", digits=2, unit="G", scale=1e-9, kind="cost"),
        Metric(name="imgs_per_s", short="images/s", direction="higher", digits=0, kind="cost"),
        Metric(name="peak_mem_gib", short="peak memory", direction="lower", digits=2, unit="GiB", kind="cost"),
        Metric(name="mfu", short="MFU", direction="higher", digits=1, unit="%", scale=1e2, kind="cost"),
        Metric(name="wall_s", short="training time", direction="lower", digits=0, unit="s", kind="cost"),
    )
}


def si(value: float | None, *, like: float | None = None, signed: bool = False) -> str:
    """A count with an SI prefix and about four digits (``44.26M``); ``like`` sets prefix and digits for a column."""
    if value is None:
        return "–"
    size = abs(like if like is not None else value)
    factor, prefix = next(
        ((f, p) for f, p in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")) if size >= f), (1.0, "")
    )
    digits = 0 if factor == 1.0 else 4 - len(str(int(size / factor)))
    shown = round(value / factor, digits) + 0.0
    return f"{shown:{'+' if signed and shown else ''}.{digits}f}{prefix}".replace("-", "−")
