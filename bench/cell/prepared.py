"""A cell resolved to its dataset, network, id and size, and the record that it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.cell.identity import Cell, ScorePoint, score_id, score_points, train_id, validation_id, validation_steps
from bench.conditions.choice import condition_of
from bench.data.load import load_cached_dataset
from results.provenance import provenance
from results.record import Record, Score, cell_name
from results.schema import SCHEMA

if TYPE_CHECKING:
    from bench.conditions.base import Condition
    from bench.data import Dataset
    from variants.config import ModelConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A cell with everything that is derived from it, before any training."""

    cell: Cell
    dataset: Dataset
    condition: Condition
    model: ModelConfig
    train_id: str
    params: int
    macs: int

    @property
    def name(self) -> str:
        """Of the cell's files (`results.record.cell_name`)."""
        return cell_name(self.train_id, self.cell.repeat)


def prepare(cell: Cell, dataset: Dataset | None = None) -> Prepared:
    """Resolve a cell on its dataset: its model configuration, id and size. Raises ValueError where they do not fit.

    Without ``dataset`` it is looked for where datasets usually lie.
    """
    from bench.profile.macs import count
    from variants import network_part, resolve

    check_recipe(cell)
    if dataset is None:
        dataset = load_cached_dataset(cell.dataset, None, cell.training.image_size or None)
    condition = condition_of(cell.training, dataset)
    model = resolve(
        network_part(cell.variant), image_size=dataset.image_size, channels=dataset.channels, **condition.network
    )
    params, macs = count(model)
    return Prepared(
        cell=cell,
        dataset=dataset,
        condition=condition,
        model=model,
        train_id=train_id(cell, model, dataset),
        params=params,
        macs=macs,
    )


def check_recipe(cell: Cell) -> None:
    """Raise ValueError where a cell's training is not the one that its variant's text names."""
    from variants import recipe_of

    for key, value in recipe_of(cell.variant).items():
        if cell.training.replace({key: value}, where="training") != cell.training:
            raise ValueError(
                f"{cell.variant} is to be trained with {key}={value}, and its training has "
                f"{getattr(cell.training, key)}; give it the recipe of its text"
            )


def is_finished(record: Record | None, prepared: Prepared) -> bool:
    """Whether a record has every score that its cell asks for."""
    if record is None or not record.survived:
        return False
    return wanted_scores(prepared).keys() <= {score.score_id for score in record.scores}


def wanted_scores(prepared: Prepared) -> dict[str, int]:
    """The ids of all scores that a cell asks for, each with its step."""
    evaluation, steps = prepared.cell.evaluation, prepared.cell.training.steps
    wanted = {sample_score_id(prepared, point): point.step for point in score_points(evaluation, steps)}
    for step in validation_steps(evaluation, steps):
        wanted |= {validation_score_id(prepared, step, weights): step for weights in ("raw", "ema")}
    return wanted


def sample_score_id(prepared: Prepared, point: ScorePoint) -> str:
    """The id of the scores of ``point``'s samples; those of latents depend on the decoder as well."""
    from bench.latents.decoder import decoder_sha256

    encoding = prepared.dataset.encoding
    decoder = decoder_sha256(encoding) if encoding is not None else ""
    return score_id(prepared.train_id, point, prepared.cell.evaluation, decoder=decoder)


def validation_score_id(prepared: Prepared, step: int, weights: str) -> str:
    """The id of the validation loss of ``weights`` after ``step`` steps."""
    evaluation = prepared.cell.evaluation
    return validation_id(
        prepared.train_id, step=step, weights=weights, images=evaluation.val_images, levels=evaluation.val_levels
    )


def make_record(
    prepared: Prepared,
    *,
    status: str,
    error: str | None,
    losses: list[dict[str, float]],
    scores: list[Score],
    marks: list[str],
    more: dict[str, Any],
) -> Record:
    """The record of a cell; ``more`` joins its provenance."""
    from variants import as_spec

    cell, spec = prepared.cell, as_spec(prepared.cell.variant)
    return Record(
        schema=SCHEMA,
        kind="cell",
        train_id=prepared.train_id,
        status=status,
        error=error,
        variant=cell.variant,
        preset=spec.preset,
        options=dict(spec.options),
        dataset=prepared.dataset.card,
        budget=cell.budget,
        training=cell.training.asdict(),
        seed=cell.seed,
        params=prepared.params,
        macs=prepared.macs,
        losses=losses,
        scores=sorted(scores, key=lambda s: (s.step, s.weights, s.metric)),
        marks=marks,
        repeat=cell.repeat,
        provenance={**provenance(), **more},
    )


def failure_record(prepared: Prepared, *, status: str, error: str, known: Record | None) -> Record:
    """The record of a cell that could not write its own; what an earlier record knew is kept."""
    losses, scores, marks = (known.losses, known.scores, known.marks) if known else ([], [], [])
    return make_record(prepared, status=status, error=error, losses=losses, scores=scores, marks=marks, more={})
