"""One cell from data to record: data -> train -> weights -> sample -> features -> statistics -> distance -> Record.

``run_cell`` is the function that every engine runs. It resumes from the newest whole checkpoint, computes only the
scores that are missing, and turns any failure into a record with its reason.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bench.cell.evaluate import CellEvaluation, CellScores
from bench.cell.identity import Cell
from bench.cell.marks import ABOVE_THE_FILTER, MOVED, RESUMED, filter_marks, smaller_micro_batch
from bench.cell.place import Place
from bench.cell.prepared import Prepared, is_finished, make_record, prepare, wanted_scores
from bench.machine.allocator import reused_memory
from bench.machine.runtime import Runtime
from results.record import Record
from results.running import beating
from results.store import Store

if TYPE_CHECKING:
    from bench.checkpoints.header import Header
    from bench.checkpoints.writer import CheckpointWriter
    from bench.training.step import TrainState

log = logging.getLogger("uvit")

CHECKPOINT_SECONDS = 300.0
Event = dict[str, Any]
Report = Callable[[Event], None]


def run_cell(cell: Cell, place: Place, *, report: Report = lambda event: None) -> Record:
    """Train and score a cell, and write its record; what is already on disk is not done again.

    A cell that diverges, runs out of memory or raises leaves a record with its reason and is returned like any other.
    ``OSError`` from the output folder (full, read-only) is raised: no record could be written either.
    """
    place.runtime.apply()
    prepared = prepare(cell, place.dataset_of(cell))
    if cell.repeat:  # what watches a grid knows its seeds alone
        return CellRun(prepared, place, report).run()
    with beating(
        place.root,
        train_id=prepared.train_id,
        variant=cell.variant,
        seed=cell.seed,
        steps=cell.training.steps,
        batch_size=cell.training.batch_size,
        tell=report,
    ) as tell:
        return CellRun(prepared, place, tell).run()


class CellRun:
    """One cell while it runs: its training's state and log, its scores, its checkpoints."""

    def __init__(self, prepared: Prepared, place: Place, report: Report) -> None:
        from bench.training.loop import TrainingLog

        self.prepared, self.cell, self.place, self.report = prepared, prepared.cell, place, report
        self.store = Store(place.root)
        self.folder = place.root / "checkpoints" / prepared.name
        self.log, self.scores = TrainingLog(), CellScores()
        self.evaluation = CellEvaluation(prepared, place, self.scores, self.tell)
        self.runtime = place.runtime  # a resumed cell keeps the one that it was started with
        self.writer: CheckpointWriter
        self.marks: list[str] = []
        self.recorded: str | None = None  # the status of the record that is there
        self.micro_batch = self.cell.training.batch_size
        self.compile_s = 0.0
        self.saved_at = time.monotonic()

    def run(self) -> Record:
        """Train, score and write the record; returns the one that is there where it has all scores."""
        existing = self.store.read(self.prepared.train_id, self.cell.repeat)
        if existing is not None and is_finished(existing, self.prepared):
            return existing
        if existing is not None:
            self.scores.take(existing.scores)
            self.recorded = existing.status
            self.marks = [mark for mark in existing.marks if mark != ABOVE_THE_FILTER]
        status, error = self._attempt()
        seconds = {"train_s": round(self.log.train_s, 3), "compile_s": round(self.compile_s, 3)}
        record = make_record(
            self.prepared,
            status=status,
            error=error,
            losses=self.log.losses,
            scores=self.scores.all(),
            marks=self._all_marks(),
            more={"runtime": self.runtime.asdict(), **seconds},
        )
        self.store.write(record)
        return record

    def tell(self, step: int, **more: Any) -> None:
        """Report what happens at ``step``."""
        self.report({"train_id": self.prepared.train_id, "step": step, "steps": self.cell.training.steps, **more})

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
        return "ok", None

    def _train_and_score(self) -> None:
        from bench.checkpoints.writer import CheckpointWriter

        state, steps = self._start(), self.cell.training.steps
        with CheckpointWriter(self.folder) as self.writer:
            if state.step < steps:
                self.writer.reserve(state)
            self._evaluate(state)
            while state.step < steps:
                with reused_memory():
                    self._train_until(state, self._next_stop(state.step))
                self._evaluate(state)
                self._save(state)

    # -- the state to go on from ------------------------------------------------------------------------------------

    def _start(self) -> TrainState:
        """The newest whole checkpoint that no missing score lies before, else step 0."""
        from bench.checkpoints.file import latest_checkpoint
        from bench.checkpoints.state import restore
        from bench.training.network import prepare_network
        from bench.training.repeats import move_weights
        from bench.training.step import TrainState
        from variants import build

        checkpoint, problems = latest_checkpoint(self.folder, accept=self._leads_to_all_missing)
        if checkpoint is not None:
            kept = Runtime.from_mapping(checkpoint.header.runtime)
            self.runtime = dataclasses.replace(kept, device=self.runtime.device)
            self.runtime.apply()
        model = build(self.prepared.model, seed=self.cell.seed)
        move_weights(model, seed=self.cell.seed, repeat=self.cell.repeat)
        model = prepare_network(model, self.runtime)
        state = TrainState(model, self.cell.training, self.runtime)
        for problem in problems:
            log.warning("%s", problem)
        if checkpoint is not None:
            restore(state, checkpoint)
            self._take_history(checkpoint.header)
        self._mark_start(None if checkpoint is None else checkpoint.header)
        if self.runtime.compile and state.step < self.cell.training.steps:
            self._compile(state)
        return state

    def _mark_start(self, header: Header | None) -> None:
        """A training that goes on is resumed, and so is one that ended without leaving a record of it."""
        trained = header is not None and header.step == self.cell.training.steps
        if trained and self.recorded is not None:
            return  # its record has the marks of its training
        self.marks = [] if header is None else [RESUMED]
        if header is not None and _kind(header.runtime) != _kind(self.runtime.asdict()):
            self.marks.append(MOVED)

    def _compile(self, state: TrainState) -> None:
        """Compile before the clock of the training starts: the first cell of a shape pays for the others."""
        import torch

        self.tell(state.step, doing="compiling the training step")
        model = self.prepared.model
        batch_size, device = self.cell.training.batch_size, self.runtime.device
        like = self.prepared.condition.sampling(seed=0, start=0, count=batch_size)
        started = time.monotonic()
        state.warm_up(
            torch.zeros((batch_size, model.channels, model.image_size, model.image_size), device=device),
            **{name: rows.to(device) for name, rows in like.items()},
        )
        self.compile_s = time.monotonic() - started

    def _take_history(self, header: Header) -> None:
        self.log.losses, self.log.train_s = list(header.losses), header.train_s
        self.scores.take(header.scores)

    def _leads_to_all_missing(self, header: Header) -> bool:
        """Whether every score that neither the record nor this checkpoint has lies at its step or after it."""
        have = self.scores.ids() | {score.score_id for score in header.scores}
        return all(
            step >= header.step for identity, step in wanted_scores(self.prepared).items() if identity not in have
        )

    # -- on the way -------------------------------------------------------------------------------------------------

    def _next_stop(self, step: int) -> int:
        return min(stop for stop in wanted_scores(self.prepared).values() if stop > step)

    def _train_until(self, state: TrainState, stop: int) -> None:
        from bench.training.batches import training_batches
        from bench.training.loop import train

        batches = training_batches(
            self.prepared.dataset,
            seed=self.cell.seed,
            steps=range(state.step, stop),
            batch_size=self.cell.training.batch_size,
            device=self.runtime.device,
            condition=self.prepared.condition,
        )
        try:
            train(
                state,
                batches,
                stop=stop,
                log=self.log,
                tell=self.tell,
                checkpoint_is_due=self._checkpoint_is_due,
                save_checkpoint=lambda: self._save(state),
            )
        finally:
            self.micro_batch = state.micro_batch
            self.runtime = state.runtime  # what could not be a CUDA graph has gone on without

    def _evaluate(self, state: TrainState) -> None:
        def keep_a_long_sweep() -> None:
            if self._checkpoint_is_due():  # one that is killed keeps its scores, and the training before them
                self._save(state)

        self.evaluation.run(state, train_s=self.log.train_s, after_score=keep_a_long_sweep)

    def _checkpoint_is_due(self) -> bool:
        return time.monotonic() - self.saved_at > CHECKPOINT_SECONDS

    def _save(self, state: TrainState) -> None:
        self.writer.save(state, self._header(state))
        self.saved_at = time.monotonic()

    def _header(self, state: TrainState) -> Header:
        from bench.checkpoints.header import Header

        model = self.prepared.model
        return Header(
            variant=self.cell.variant,
            model=model.identity(),
            train_id=self.prepared.train_id,
            step=state.step,
            dataset=self.prepared.dataset.card,
            image_size=model.image_size,
            channels=model.channels,
            training=self.cell.training.asdict(),
            seed=self.cell.seed,
            runtime=state.runtime.asdict(),
            losses=self.log.losses,
            train_s=self.log.train_s,
            scores=self.scores.all(),
        )

    # -- the record -------------------------------------------------------------------------------------------------

    def _all_marks(self) -> list[str]:
        """What is worth knowing of the training, and of its end beside the linear filter where one is stored."""
        filters, _ = self.store.linear_filters()
        whole = self.micro_batch == self.cell.training.batch_size
        marks = [*self.marks, *([] if whole else [smaller_micro_batch(self.micro_batch)])]
        return [*marks, *filter_marks(self.scores.all(), step=self.cell.training.steps, filters=filters)]


def _kind(runtime: Mapping[str, Any]) -> str:
    return str(runtime.get("device", "cpu")).partition(":")[0]
