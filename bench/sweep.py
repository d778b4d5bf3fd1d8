"""A sweep: several samplers and numbers of evaluations over one trained cell, as text such as ``ddim:50``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bench.config import EvaluationConfig


class Draw(NamedTuple):
    """How images are drawn: a sampler and its network evaluations an image."""

    sampler: str
    nfe: int


def parse(entry: str, *, where: str) -> Draw:
    """``sampler:evaluations`` as a `Draw`; ValueError naming ``where``. The sampler may be unknown."""
    sampler, _, nfe = entry.partition(":")
    if not sampler or not (nfe.isascii() and nfe.isdigit() and int(nfe)):
        raise ValueError(f"{where}: expected SAMPLER:EVALUATIONS such as dpm_solver:10, got {entry!r}")
    return Draw(sampler, int(nfe))


def all_draws(evaluation: EvaluationConfig) -> list[Draw]:
    """The sweep as written down, each entry once."""
    return list(dict.fromkeys(parse(entry, where="evaluation.sweep") for entry in evaluation.sweep))


def draws(evaluation: EvaluationConfig) -> list[Draw]:
    """The entries within ``sweep_max_nfe``: those that are scored."""
    limit = evaluation.sweep_max_nfe
    return [draw for draw in all_draws(evaluation) if not limit or draw.nfe <= limit]


def own_draws(evaluation: EvaluationConfig) -> list[Draw]:
    """How the evaluation draws apart from its sweep."""
    asked = [(evaluation.samples, Draw(evaluation.sampler, evaluation.nfe))]
    asked += [(evaluation.final_samples, Draw(evaluation.final_sampler, evaluation.final_nfe))]
    return list(dict.fromkeys(draw for samples, draw in asked if samples))
