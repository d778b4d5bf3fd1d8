"""Which scores of a record a grid asked for: a cell that several grids share holds the samples of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from results.manifest import Manifest
from results.record import Record, Score

Draw = tuple[str, int]  # sampler, evaluations
DrawKind = Literal["draws", "sweep", "left_out"]  # of a grid's own scores, of its sweep, beyond its budget


def drawn(manifests: Iterable[Manifest], kind: DrawKind) -> list[Draw]:
    """The draws of one kind that the grid's manifests name, each once."""
    named = (getattr(manifest.evaluation, kind) for manifest in manifests if manifest.evaluation is not None)
    return list(dict.fromkeys((draw.sampler, draw.nfe) for draws in named for draw in draws))


def plain_record(record: Record, manifests: list[Manifest]) -> Record:
    """The record without samples drawn in other ways than the grid's own; as it is where a manifest does not say."""
    if any(manifest.evaluation is None for manifest in manifests):
        return record
    asked = set(drawn(manifests, "draws"))
    kept = [score for score in record.scores if (draw := draw_of(score)) is None or draw in asked]
    return record if len(kept) == len(record.scores) else replace(record, scores=kept)


def swept(record: Record, manifests: list[Manifest]) -> tuple[Score, ...]:
    """The scores after the last step that the grid's sweep asked for; none of a cell that failed."""
    asked, last = set(drawn(manifests, "sweep")), record.training.get("steps")
    if not asked or not record.survived:
        return ()
    return tuple(score for score in record.scores if score.step == last and draw_of(score) in asked)


def draw_of(score: Score) -> Draw | None:
    """How the score's images were drawn; None for one that needs no samples."""
    sampler, nfe = score.card.get("sampler"), score.card.get("nfe")
    return (sampler, nfe) if isinstance(sampler, str) and isinstance(nfe, int) else None
