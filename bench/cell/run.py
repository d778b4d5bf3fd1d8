"""One cell from data to record: data -> train -> weights -> sample -> features -> statistics -> distance -> Record.

``run_cell`` is the function that every engine runs. It resumes from the newest whole checkpoint, computes only the
scores that are missing, and turns any failure into a record with its reason.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cell.identity import Cell, ScorePoint, guidance_weight, score_points, validation_steps
from bench.cell.prepared import (
    Prepared,
    is_finished,
    make_record,
    prepare,
    sample_score_id,
    validation_score_id,
    wanted_scores,
)
from bench.cell.scoring import cached_reference, extractor_for
from bench.machine.allocator import forget_pages, reused_memory
from bench.machine.runtime import Runtime
from results.record import Record, Score
from results.running import beating
from results.store import Store

if TYPE_CHECKING:
    from bench.checkpoints.writer import CheckpointWriter
    from bench.training.step import TrainState

log = logging.getLogger("uvit")

FIRST_PHASE = 0.02  # noisiest-bin val_loss of the raw weights under which a network no longer just copies the noise
CHECKPOINT_SECONDS = 300.0
LOSS_POINTS = 200
Event = dict[str, Any]
Report = Callable[[Event], None]


def run_cell(
    cell: Cell,
    *,
    root: Path,
    runtime: Runtime,
    data_dir: Path | None = None,
    extractor_weights: Path | None = None,
    report: Report = lambda event: None,
) -> Record:
    """Train and score a cell, and write its record; what is already on disk is not done again.

    A cell that diverges, runs out of memory or raises leaves a record with its reason and is returned like any other.
    ``OSError`` from the output folder (full, read-only) is raised: no record could be written either.
    """
    runtime.apply()
    prepared = prepare(cell, data_dir=data_dir)
    with beating(
        root,
        train_id=prepared.train_id,
        variant=cell.variant,
        seed=cell.seed,
        steps=cell.training.steps,
        batch_size=cell.training.batch_size,
        tell=report,
    ) as tell:
        return _CellRun(prepared, Store(root), runtime, data_dir, extractor_weights, tell).run()


class _CellRun:
    """The state of one running cell."""

    def __init__(
        self,
        prepared: Prepared,
        store: Store,
        runtime: Runtime,
        data_dir: Path | None,
        weights: Path | None,
        report: Report,
    ) -> None:
        self.prepared, self.cell, self.store = prepared, prepared.cell, store
        self.runtime, self.data_dir, self.extractor_weights = runtime, data_dir, weights
        self.report = report
        self.writer: CheckpointWriter
        self.folder = store.root / "checkpoints" / prepared.train_id
        self.losses: list[dict[str, float]] = []
        self.scores: dict[tuple[str, str], Score] = {}  # by (score_id, metric)
        self.train_s = 0.0
        self.compile_s = 0.0
        self.saved_at = time.monotonic()

    def run(self) -> Record:
        existing = self.store.read(self.prepared.train_id)
        if existing is not None and is_finished(existing, self.prepared):
            return existing
        if existing is not None:
            self._take_scores(existing.scores)
        status, error = self._attempt()
        record = make_record(
            self.prepared,
            status=status,
            error=error,
            losses=self.losses,
            scores=list(self.scores.values()),
            more={
                "runtime": self.runtime.asdict(),
                "train_s": round(self.train_s, 3),
                "compile_s": round(self.compile_s, 3),
            },
        )
        self.store.write(record)
        return record

    def _attempt(self) -> tuple[str, str | None]:
        from bench.sampling import NotFinite
        from bench.training.step import is_out_of_memory

        try:
            self._train_and_score()
        except NotFinite as error:
            return "diverged", str(error)
        except OSError:
            raise  # the output folder: nothing could be written, a record neither
        except Exception as error:
            log.debug("cell %s failed", self.prepared.train_id, exc_info=True)
            return ("oom" if is_out_of_memory(error) else "error"), f"{type(error).__name__}: {error}"
        return self._judge(), None

    # -- training ---------------------------------------------------------------------------------------------------

    def _train_and_score(self) -> None:
        from bench.checkpoints.writer import CheckpointWriter

        state = self._start()
        with CheckpointWriter(self.folder) as self.writer:
            if state.step < self.cell.training.steps:
                self.writer.reserve(state)
            self._evaluate(state)
            while state.step < self.cell.training.steps:
                with reused_memory():
                    self._train_until(state, self._next_stop(state.step))
                self._evaluate(state)
                self._save(state)

    def _start(self) -> TrainState:
        """The state to go on from: the newest whole checkpoint that no missing score lies before."""
        from bench.checkpoints.file import latest_checkpoint
        from bench.checkpoints.state import restore
        from bench.training.network import prepare_network
        from bench.training.step import TrainState
        from variants import build

        checkpoint, problems = latest_checkpoint(self.folder, accept=self._leads_to_all_missing)
        if checkpoint is not None:
            self.runtime = dataclasses.replace(
                Runtime.from_mapping(checkpoint.header["runtime"]), device=self.runtime.device
            )
            self.runtime.apply()
        model = prepare_network(build(self.prepared.model, seed=self.cell.seed), self.runtime)
        state = TrainState(model, self.cell.training, self.runtime)
        for problem in problems:
            log.warning("%s", problem)
        if checkpoint is not None:
            restore(state, checkpoint)
            self._take_history(checkpoint.header)
        if self.runtime.compile and state.step < self.cell.training.steps:
            self._compile(state)
        return state

    def _compile(self, state: TrainState) -> None:
        """Compile before the clock of the training starts: the first cell of a shape pays for the others."""
        import torch

        self._tell(state.step, doing="compiling the training step")
        model = self.prepared.model
        batch_size, device = self.cell.training.batch_size, self.runtime.device
        like = self.prepared.condition.sampling(seed=0, start=0, count=batch_size)
        started = time.monotonic()
        state.warm_up(
            torch.zeros((batch_size, model.channels, model.image_size, model.image_size), device=device),
            **{name: rows.to(device) for name, rows in like.items()},
        )
        self.compile_s = time.monotonic() - started

    def _take_history(self, header: dict[str, Any]) -> None:
        self.losses = list(header["losses"])
        self.train_s = float(header["train_s"])
        self._take_scores([Score(**score) for score in header["scores"]])

    def _take_scores(self, scores: list[Score]) -> None:
        self.scores |= {(score.score_id, score.metric): score for score in scores}

    def _leads_to_all_missing(self, header: dict[str, Any]) -> bool:
        """Whether every score that neither the record nor this checkpoint has lies at its step or after it."""
        have = {identity for identity, _ in self.scores} | {score["score_id"] for score in header["scores"]}
        return all(
            step >= header["step"] for identity, step in wanted_scores(self.prepared).items() if identity not in have
        )

    def _next_stop(self, step: int) -> int:
        return min(stop for stop in wanted_scores(self.prepared).values() if stop > step)

    def _train_until(self, state: TrainState, stop: int) -> None:
        import torch

        from bench.sampling import NotFinite
        from bench.training.batches import training_batches

        training, started = self.cell.training, time.monotonic()
        interval = max(1, training.steps // LOSS_POINTS)
        total, images = torch.zeros((), device=self.runtime.device), 0
        tick = started
        batches = training_batches(
            self.prepared.dataset,
            seed=self.cell.seed,
            steps=range(state.step, stop),
            batch_size=training.batch_size,
            device=self.runtime.device,
            condition=self.prepared.condition,
        )
        for data in batches:
            total += state.train_step(data.x0, data.t, data.noise, **data.condition)
            self.runtime = state.runtime  # what could not be a CUDA graph has gone on without
            images += 1
            if state.step % interval == 0 or state.step == stop:
                loss, now = float(total) / images, time.monotonic()
                if not math.isfinite(loss):
                    raise NotFinite(f"the training loss was {loss} at step {state.step}")
                self.losses.append({"step": state.step, "loss": loss})
                self._tell(state.step, loss=loss, imgs_per_s=images * training.batch_size / max(now - tick, 1e-9))
                total, images, tick = torch.zeros_like(total), 0, now
                if now - self.saved_at > CHECKPOINT_SECONDS and state.step < stop:
                    self.train_s += now - started
                    self._save(state)
                    started = time.monotonic()
        self.train_s += time.monotonic() - started

    def _tell(self, step: int, **more: Any) -> None:
        self.report({"train_id": self.prepared.train_id, "step": step, "steps": self.cell.training.steps, **more})

    def _save(self, state: TrainState) -> None:
        self.writer.save(state, self._header())
        self.saved_at = time.monotonic()

    def _header(self) -> dict[str, Any]:
        return {
            "variant": self.cell.variant,
            "model": self.prepared.model.identity(),
            "train_id": self.prepared.train_id,
            "dataset": self.prepared.dataset.card,
            "image_size": self.prepared.model.image_size,
            "channels": self.prepared.model.channels,
            "training": self.cell.training.asdict(),
            "seed": self.cell.seed,
            "runtime": self.runtime.asdict(),
            "losses": self.losses,
            "train_s": self.train_s,
            "scores": [dataclasses.asdict(score) for score in self.scores.values()],
        }

    # -- scoring ----------------------------------------------------------------------------------------------------

    def _evaluate(self, state: TrainState) -> None:
        """Take the scores that are due at this step and that no record has; the weights are as before afterwards."""
        state.model.eval()
        self._make_room(state)
        if state.step in validation_steps(self.cell.evaluation, self.cell.training.steps):
            self._validate(state)
        for point in score_points(self.cell.evaluation, self.cell.training.steps):
            if point.step == state.step:
                self._score(state, point)
                if time.monotonic() - self.saved_at > CHECKPOINT_SECONDS:
                    self._save(state)  # a long sweep that is killed keeps its scores, and the training before them
        state.model.train()

    def _make_room(self, state: TrainState) -> None:
        """Let go of what only training needs, for scoring has its own peak."""
        state.make_room()
        forget_pages(self.prepared.dataset.train.images)

    def _with_weights(self, state: TrainState, weights: str) -> Any:
        import contextlib

        return state.ema.swapped_in() if weights == "ema" else contextlib.nullcontext()

    def _validate(self, state: TrainState) -> None:
        from bench.training.validation import validation_loss

        held_out = self.prepared.dataset.held_out
        if held_out is None:
            raise ValueError(f"dataset {self.cell.dataset} holds out no images, and val_loss needs some")
        images = self.cell.evaluation.val_images
        for weights in ("raw", "ema"):
            identity = validation_score_id(self.prepared, state.step, weights)
            if (identity, "val_loss") in self.scores:
                continue
            self._tell(state.step, doing=f"val_loss of {weights} weights")
            with self._with_weights(state, weights):
                values = validation_loss(
                    state.model,
                    held_out,
                    seed=self.cell.seed,
                    images=images,
                    runtime=self.runtime,
                    process=state.process,
                    condition=self.prepared.condition,
                )
            card = {
                "metric": "val_loss",
                "images_per_bin": images,
                "bins": 5,
                "t": [0.001, 0.999],
                "process": self.cell.training.process,
                "weights": weights,
                "reference": held_out.name,
                "fingerprint": held_out.fingerprint,
            }
            for metric, value in values.items():
                self._add(state.step, identity, weights, metric, value, card)

    def _score(self, state: TrainState, point: ScorePoint) -> None:
        from bench.fid import score_images
        from bench.latents.decoder import decoder_for, pictures_of
        from bench.sampling import sample_images

        identity = sample_score_id(self.prepared, point)
        if any(known == identity for known, _ in self.scores):
            return
        model, evaluation, dataset = self.prepared.model, self.cell.evaluation, self.prepared.dataset
        decoder = decoder_for(dataset.encoding.card(), self.runtime.device) if dataset.encoding else None
        with self._with_weights(state, point.weights):
            images = sample_images(
                state.model,
                count=point.samples,
                shape=(model.channels, model.image_size, model.image_size),
                seed=self.cell.seed,
                sampler=point.sampler,
                nfe=point.nfe,
                runtime=self.runtime,
                process=state.process,
                condition=self.prepared.condition,
                guidance=evaluation.guidance,
                decode=decoder,
                batch_size=evaluation.sample_batch,
                progress=lambda done: self._tell(state.step, doing=f"sampling {done}/{point.samples}"),
            )
        self._tell(state.step, doing="scoring")
        self._save_picture(images, point)
        size = self.cell.training.image_size or None
        extractor = extractor_for(evaluation.extractor, self.runtime.device, self.extractor_weights)
        reference = cached_reference(
            self.cell.dataset,
            self.data_dir,
            size,
            evaluation.extractor,
            self.runtime.device,
            self.extractor_weights,
            evaluation.reference_count,
        )
        for scored in score_images(
            images,
            reference=reference,
            extractor=extractor,
            held_out=pictures_of(dataset).held_out,
            seed=self.cell.seed,
            metrics=evaluation.metrics,
        ):
            card = {
                **scored.card,
                "sampler": point.sampler,
                "nfe": point.nfe,
                "guidance": guidance_weight(evaluation),
                **self.prepared.condition.card,
                "process": self.cell.training.process,
                "weights": point.weights,
                "precision": self.runtime.precision,
                **({"decoder_sha256": decoder.sha256, "latent_scale": decoder.scale} if decoder else {}),
            }
            self._add(state.step, identity, point.weights, scored.metric, scored.value, card)

    def _add(
        self, step: int, identity: str, weights: str, metric: str, value: float | None, card: dict[str, Any]
    ) -> None:
        from bench.profile.macs import TRAINING_FACTOR
        from bench.sampling import NotFinite

        if value is not None and not math.isfinite(value):
            raise NotFinite(f"{metric} of {weights} weights was {value} at step {step}")
        train_macs = TRAINING_FACTOR * self.prepared.macs * self.cell.training.batch_size * step
        self.scores[identity, metric] = Score(
            score_id=identity,
            step=step,
            weights=weights,
            metric=metric,
            value=value,
            card=card,
            train_macs=train_macs,
            wall_s=round(self.train_s, 3),
        )
        if value is not None and not self._is_swept(card):
            self._tell(step, doing="scoring", score={"metric": metric, "weights": weights, "value": value})

    def _save_picture(self, images: Any, point: ScorePoint) -> None:
        """The first 64 images as one PNG beside the records; the same noise in every arm."""
        from bench.pictures import contact_sheet

        name = f"step-{point.step:08d}-{point.weights}-{point.sampler}{point.nfe}.png"
        path = self.store.root / "samples" / self.prepared.train_id / name
        contact_sheet(images[:64], path)
        if not self._is_swept({"sampler": point.sampler, "nfe": point.nfe}):
            self._tell(point.step, doing="scoring", picture={"weights": point.weights, "path": str(path)})

    def _is_swept(self, card: dict[str, Any]) -> bool:
        """Whether samples belong to the sweep alone; a curve over training steps has no place for those."""
        return "sampler" in card and (card["sampler"], card["nfe"]) not in self.cell.evaluation.own_draws

    # -- the record -------------------------------------------------------------------------------------------------

    def _judge(self) -> str:
        """Rule 4: has the network left the first phase, from two thirds of its steps on?"""
        steps = self.cell.training.steps
        late = [
            score.value
            for score in self.scores.values()
            if score.metric == "val_loss_bin5" and score.weights == "raw" and 3 * score.step >= 2 * steps
        ]
        return "ok" if late and all(value is not None and value < FIRST_PHASE for value in late) else "undertrained"
