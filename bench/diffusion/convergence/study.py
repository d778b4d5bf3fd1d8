"""How fast samplers converge: their errors and observed orders on a Gaussian, and the report of both.

Each registered sampler runs under each registered process on a `Gaussian`, in float64, with its exact noise prediction.
The error of a deterministic one is the largest distance of a path from the exact probability flow. A stochastic one is
affine in its start and its noises on such data, so one batch of impulses gives the exact mean and spread of what it
draws, without drawing. The observed order between two counts of evaluations is the slope of the error over the count in
logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from bench.diffusion.convergence.gaussian import Gaussian
from bench.diffusion.process import PROCESSES
from bench.diffusion.samplers import SAMPLERS, Sampler

if TYPE_CHECKING:
    from torch import Tensor

COUNTS = (32, 62, 122, 242)  # DPM-Solver's whole steps double; its last one is of second order at all of them
EARLY_END = 0.3  # for orders: times uniform in t make steps in lambda that are far from small near t = 0
# Under flow, third-order errors on the usual Gaussian pass through zero on the way; on one of less spread they do not.
SPREADS, EARLY_ENDS = {"flow": 0.2}, {"flow": 0.2}
EXACT = 1e-12  # errors below are those of float64, and have no order
USUAL = (10, 20, 50, 1_000)
PATHS = 108


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Errors ``of`` path, mean or spread, of a sampler from its process's start to ``end``, by evaluations, ``counts``.

    ``stated`` is the order that the sampler claims for it, None where it claims none: of a stochastic one that is the
    mean's, for the last, noiseless jump leaves a spread too small; the spread's where the mean has no error at all.
    """

    sampler: str
    process: str
    of: str
    end: float
    counts: tuple[int, ...]
    errors: tuple[float, ...]
    stated: int | None

    @property
    def is_exact(self) -> bool:
        """Whether nothing but rounding is wrong, at any count."""
        return max(self.errors) < EXACT

    @property
    def orders(self) -> tuple[float, ...]:
        """Observed orders of convergence between successive counts; none where every error is rounding."""
        if self.is_exact:
            return ()
        pairs = zip(pairwise(self.errors), pairwise(self.counts), strict=True)
        return tuple(math.log(e1 / e2) / math.log(n2 / n1) for (e1, e2), (n1, n2) in pairs)


def studies(sampler: str, process: str, counts: Sequence[int] = COUNTS, *, early: bool = True) -> list[Study]:
    """One of the path (``early``: to where orders show), or two of mean and spread at 0 if it is stochastic."""
    entry, gaussian = SAMPLERS.get(sampler), gaussian_under(process)
    if entry.stochastic:
        laws = [drawn_law(entry, gaussian, count, gaussian.law(gaussian.process.t_start)) for count in counts]
        errors = {
            "mean": tuple(abs(mean - gaussian.mean) for mean, _ in laws),
            "spread": tuple(abs(std - gaussian.std) for _, std in laws),
        }
        last, shown = 0.0, "spread" if max(errors["mean"]) < EXACT else "mean"
    else:
        last, shown = EARLY_ENDS.get(process, EARLY_END) if early else gaussian.process.t_end, "path"
        errors = {"path": tuple(_error_of_paths(entry, gaussian, count, last) for count in counts)}
    return [
        Study(
            sampler=sampler,
            process=process,
            of=of,
            end=last,
            counts=tuple(counts),
            errors=found,
            stated=entry.order if of == shown else None,
        )
        for of, found in errors.items()
    ]


def gaussian_under(process: str) -> Gaussian:
    """The data on which samplers are measured under ``process``."""
    usual = Gaussian(process=PROCESSES.get(process))
    return replace(usual, std=SPREADS.get(process, usual.std))


def parity(sampler: str, process: str) -> float:
    """The largest distance of float32 paths from float64 ones, at the sampler's default evaluations, noise given."""
    import torch

    entry, gaussian = SAMPLERS.get(sampler), gaussian_under(process)
    start = _start()
    options = {"noise": lambda i: start.roll(i + 1, 0)} if entry.stochastic else {}
    single, double = (
        entry(gaussian.noise, start.to(dtype), sde=gaussian.process, **options)
        for dtype in (torch.float32, torch.float64)
    )
    return float((single.double() - double).abs().max())


def drawn_law(entry: Sampler, gaussian: Gaussian, count: int, law: tuple[float, float]) -> tuple[float, float]:
    """Exact mean and standard deviation of what a stochastic sampler draws when its start has ``law``.

    Row 0 starts at the mean without noise, row 1 a standard deviation higher, row i + 2 has noise 1 at evaluation i.
    """
    import torch

    start = torch.full((count + 2, 1), law[0], dtype=torch.float64)
    start[1] += law[1]
    impulses = torch.eye(count + 2, dtype=torch.float64)
    found = entry(
        gaussian.noise, start, steps=count, sde=gaussian.process, noise=lambda i: impulses[:, i + 2 : i + 3]
    ).flatten()
    return float(found[0]), float((found[1:] - found[0]).norm())


def _error_of_paths(entry: Sampler, gaussian: Gaussian, count: int, end: float) -> float:
    start = _start()
    found = entry(gaussian.noise, start, steps=count, sde=gaussian.process, t_end=end)
    return float((found - gaussian.flow(start, end)).abs().max())


def _start() -> Tensor:
    import torch

    return torch.randn((PATHS, 1), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def all_studies(counts: Sequence[int], *, early: bool = True) -> list[Study]:
    """`studies` of every sampler under every process."""
    pairs = [(sampler, process) for sampler in SAMPLERS.names() for process in PROCESSES.names()]
    return [study for pair in pairs for study in studies(*pair, counts, early=early)]


def report(early: Sequence[Study], whole: Sequence[Study]) -> str:
    """Two tables in Markdown: observed orders, and errors at the end of the process with the float32 parity."""
    import numpy
    import torch

    return "\n\n".join(
        [
            f"{PATHS} paths from seed 0, float64, data N(0.3, 0.5²), under flow N(0.3, 0.2²); "
            f"torch {torch.__version__}, numpy {numpy.__version__}, on the CPU.",
            _order_table(early),
            _usual_table(whole),
        ]
    )


def _order_table(rows: Sequence[Study]) -> str:
    counts = rows[0].counts
    head = ["sampler", "process", "error of", "to t", *map(str, counts), "stated order", "observed"]
    lines = [
        [
            *_names(row),
            *map(_error, row.errors),
            "" if row.stated is None else str(row.stated),
            " ".join(f"{order:.2f}" for order in row.orders),
        ]
        for row in rows
    ]
    return _markdown(head, lines)


def _usual_table(rows: Sequence[Study]) -> str:
    head = ["sampler", "process", "error of", "to t", *map(str, rows[0].counts), "float32 − float64"]
    lines = [
        [
            *_names(row),
            *map(_error, row.errors),
            "" if row.of == "spread" else _error(parity(row.sampler, row.process)),
        ]
        for row in rows
    ]
    return _markdown(head, lines)


def _names(row: Study) -> list[str]:
    return [f"`{row.sampler}`", f"`{row.process}`", row.of, f"{row.end:g}"]


def _error(value: float) -> str:
    return "0" if value < EXACT else f"{value:.1e}"


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] * 3 + ["---:"] * (len(head) - 3)
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *lines])
