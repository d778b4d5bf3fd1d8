"""The scores of a cell at a step: validation losses, and samples that are drawn, shown and scored."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from bench.cell.identity import ScorePoint, guidance_weight, score_points, validation_steps
from bench.cell.place import Place
from bench.cell.prepared import Prepared, sample_score_id, validation_score_id
from bench.cell.scoring import cached_reference, extractor_for
from bench.machine.allocator import forget_pages
from results.record import Score

if TYPE_CHECKING:
    from torch import Tensor

    from bench.data import Split
    from bench.latents.decoder import Decoder
    from bench.training.step import TrainState

Tell = Callable[..., None]  # (step, doing=…, score=…, picture=…)
SHOWN = 64  # images of a contact sheet


class CellScores:
    """The scores of one cell so far, by id and metric."""

    def __init__(self) -> None:
        self._scores: dict[tuple[str, str], Score] = {}

    def take(self, scores: Iterable[Score]) -> None:
        """Add scores; one of the same id and metric is replaced."""
        self._scores |= {(score.score_id, score.metric): score for score in scores}

    def all(self) -> list[Score]:
        return list(self._scores.values())

    def ids(self) -> set[str]:
        return {identity for identity, _ in self._scores}

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._scores


class CellEvaluation:
    """Takes the scores of one cell that are due and that it does not have yet."""

    def __init__(self, prepared: Prepared, place: Place, scores: CellScores, tell: Tell) -> None:
        self.prepared, self.cell, self.place, self.scores, self.tell = prepared, prepared.cell, place, scores, tell

    def run(self, state: TrainState, *, train_s: float, after_score: Callable[[], None]) -> None:
        """Take what is due at ``state.step``; the weights are as before afterwards.

        ``train_s`` is written on the scores; ``after_score`` is called after each set of samples.
        """
        evaluation, steps = self.cell.evaluation, self.cell.training.steps
        state.model.eval()
        self._make_room(state)
        if state.step in validation_steps(evaluation, steps):
            for weights in ("raw", "ema"):
                self._validate(state, weights, train_s)
        for point in score_points(evaluation, steps):
            if point.step == state.step:
                self._score(state, point, train_s)
                after_score()
        state.model.train()

    def _make_room(self, state: TrainState) -> None:
        """Let go of what only training needs, for scoring has its own peak."""
        state.make_room()
        forget_pages(self.prepared.dataset.train.images)

    # -- validation loss --------------------------------------------------------------------------------------------

    def _validate(self, state: TrainState, weights: str, train_s: float) -> None:
        from bench.training.validation import validation_loss

        held_out = self.prepared.dataset.held_out
        if held_out is None:
            raise ValueError(f"dataset {self.cell.dataset} holds out no images, and val_loss needs some")
        identity = validation_score_id(self.prepared, state.step, weights)
        if (identity, "val_loss") in self.scores:
            return
        self.tell(state.step, doing=f"val_loss of {weights} weights")
        with _with_weights(state, weights):
            losses = validation_loss(
                state.model,
                held_out,
                seed=self.cell.seed,
                images=self.cell.evaluation.val_images,
                levels=self.cell.evaluation.val_levels,
                runtime=state.runtime,
                process=state.objective.process,
                prediction=state.objective.prediction,
                condition=self.prepared.condition,
            )
        card = self._validation_card(held_out, weights)
        for metric, value in losses.scores().items():
            own = {"levels": losses.levels} if metric == "val_loss" and "level_count" in card else {}
            self._add(state.step, identity, weights, metric, value, card | own, train_s)

    def _validation_card(self, held_out: Split, weights: str) -> dict[str, Any]:
        """What a validation loss's card says of how it was measured."""
        images, levels = self.cell.evaluation.val_images, self.cell.evaluation.val_levels
        return {
            "metric": "val_loss",
            "images_per_bin": images * levels // 5,
            "bins": 5,
            **({} if levels == 5 else {"level_count": levels, "times": "midpoint"}),
            "t": [0.001, 0.999],
            "process": self.cell.training.process,
            "weights": weights,
            "reference": held_out.name,
            "fingerprint": held_out.fingerprint,
        }

    # -- samples ----------------------------------------------------------------------------------------------------

    def _score(self, state: TrainState, point: ScorePoint, train_s: float) -> None:
        from bench.fid import score_images
        from bench.latents.decoder import decoder_for, pictures_of

        identity = sample_score_id(self.prepared, point)
        if identity in self.scores.ids():
            return
        evaluation, dataset, device = self.cell.evaluation, self.prepared.dataset, state.runtime.device
        decoder = decoder_for(dataset.encoding.card(), device) if dataset.encoding else None
        images = self._draw(state, point, decoder)
        self.tell(state.step, doing="scoring")
        self._save_picture(images, point)
        pictures = pictures_of(dataset)
        extractor = (evaluation.extractor, device, self.place.extractor_weights)
        scored = score_images(
            images,
            reference=cached_reference(pictures.train, *extractor, evaluation.reference_count),
            extractor=extractor_for(*extractor),
            held_out=pictures.held_out,
            seed=self.cell.seed,
            metrics=evaluation.metrics,
        )
        drawn = self._card(point, state.runtime.precision, decoder)
        for score in scored:
            self._add(state.step, identity, point.weights, score.metric, score.value, score.card | drawn, train_s)

    def _draw(self, state: TrainState, point: ScorePoint, decoder: Decoder | None) -> Tensor:
        from bench.sampling import sample_images

        model, evaluation = self.prepared.model, self.cell.evaluation
        with _with_weights(state, point.weights):
            return sample_images(
                state.model,
                count=point.samples,
                shape=(model.channels, model.image_size, model.image_size),
                seed=self.cell.seed,
                sampler=point.sampler,
                nfe=point.nfe,
                runtime=state.runtime,
                process=state.objective.process,
                prediction=state.objective.prediction,
                condition=self.prepared.condition,
                guidance=evaluation.guidance,
                decode=decoder,
                batch_size=evaluation.sample_batch,
                progress=lambda done: self.tell(state.step, doing=f"sampling {done}/{point.samples}"),
            )

    def _card(self, point: ScorePoint, precision: str, decoder: Decoder | None) -> dict[str, Any]:
        """What a score's card says of how its samples were drawn."""
        return {
            "sampler": point.sampler,
            "nfe": point.nfe,
            "guidance": guidance_weight(self.cell.evaluation),
            **self.prepared.condition.card,
            "process": self.cell.training.process,
            "weights": point.weights,
            "precision": precision,
            **({"decoder_sha256": decoder.sha256, "latent_scale": decoder.scale} if decoder else {}),
        }

    def _save_picture(self, images: Tensor, point: ScorePoint) -> None:
        """The first images as one PNG beside the records; the same noise in every arm. None of a repeat."""
        from results.contact_sheets import contact_sheet, sheet_path

        if self.cell.repeat:
            return
        path = sheet_path(
            self.place.root,
            self.prepared.train_id,
            step=point.step,
            weights=point.weights,
            sampler=point.sampler,
            nfe=point.nfe,
        )
        contact_sheet(images[:SHOWN], path)
        if not self._is_swept({"sampler": point.sampler, "nfe": point.nfe}):
            self.tell(point.step, doing="scoring", picture={"weights": point.weights, "path": str(path)})

    # -- both -------------------------------------------------------------------------------------------------------

    def _add(
        self,
        step: int,
        identity: str,
        weights: str,
        metric: str,
        value: float | None,
        card: dict[str, Any],
        train_s: float,
    ) -> None:
        from bench.profile.macs import TRAINING_FACTOR
        from bench.sampling import NotFinite

        if value is not None and not math.isfinite(value):
            raise NotFinite(f"{metric} of {weights} weights was {value} at step {step}")
        score = Score(
            score_id=identity,
            step=step,
            weights=weights,
            metric=metric,
            value=value,
            card=card,
            train_macs=TRAINING_FACTOR * self.prepared.macs * self.cell.training.batch_size * step,
            wall_s=round(train_s, 3),
        )
        self.scores.take([score])
        if value is not None and not self._is_swept(card):
            self.tell(step, doing="scoring", score={"metric": metric, "weights": weights, "value": value})

    def _is_swept(self, card: dict[str, Any]) -> bool:
        """Whether samples belong to the sweep alone; a curve over training steps has no place for those."""
        return "sampler" in card and (card["sampler"], card["nfe"]) not in self.cell.evaluation.own_draws


def _with_weights(state: TrainState, weights: str) -> contextlib.AbstractContextManager[Any]:
    return state.ema.swapped_in() if weights == "ema" else contextlib.nullcontext()
