"""One cell from data to record: common random numbers, exact resume, missing scores, failures as records."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.cell.identity import Cell, score_points, train_id, validation_steps
from bench.cell.marks import ABOVE_THE_FILTER, MOVED, RESUMED
from bench.cell.place import Place
from bench.cell.prepared import is_finished, prepare
from bench.cell.run import CellRun, run_cell
from bench.checkpoints.file import checkpoint_path, load_checkpoint
from bench.config import EvaluationConfig, TrainingConfig
from bench.machine.runtime import Runtime
from results.record import Record
from results.store import Store
from variants import build

TRAINING = TrainingConfig(steps=6, batch_size=4, lr=1e-3, warmup=2, ema_decay=0.9, image_size=16, precision="float32")
EVALUATION = EvaluationConfig(every=2, val_images=8, samples=0, extractor="effnet-lite0")
SCORED = dataclasses.replace(
    EVALUATION, every=0, samples=8, nfe=2, reference_count=32, metrics=("frechet", "kernel"), val_every=3
)


def _cell(variant: str = "uvit-micro/4", seed: int = 0, **changes: Any) -> Cell:
    base = Cell(variant=variant, dataset="photos", budget="test", training=TRAINING, evaluation=EVALUATION, seed=seed)
    return dataclasses.replace(base, **changes)


def _run(cell: Cell, root: Path, **more: Any) -> Record:
    return run_cell(cell, Place(root=root, runtime=Runtime(threads=1)), **more)


def _final(cell: Cell, root: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(checkpoint_path(root / "checkpoints" / prepare(cell).train_id, cell.training.steps)).tensors


def _values(record: Record) -> dict[tuple[int, str, str], float | None]:
    return {(s.step, s.weights, s.metric): s.value for s in record.scores}


class Killed(BaseException):
    """The process ends here."""


def _kill_at(step: int) -> Any:
    def report(event: dict[str, Any]) -> None:
        if event["step"] >= step and "loss" in event:
            raise Killed

    return report


def test_twenty_noise_levels_are_kept_on_the_card_of_val_loss(tmp_path: Path) -> None:
    plain = _cell(training=dataclasses.replace(TRAINING, steps=1, warmup=0))
    cell = dataclasses.replace(plain, evaluation=dataclasses.replace(EVALUATION, val_levels=20))
    assert prepare(plain).train_id == prepare(cell).train_id
    record = _run(cell, tmp_path)
    assert is_finished(record, prepare(cell)) and not is_finished(record, prepare(plain))
    whole = [score for score in record.scores if score.metric == "val_loss"]
    assert [score.weights for score in whole] == ["ema", "raw"]
    for score in whole:
        levels = score.card["levels"]
        assert len(levels) == 20 and score.value == pytest.approx(sum(levels) / 20)
        assert score.card["level_count"] == 20 and score.card["times"] == "midpoint"
        assert (score.card["images_per_bin"], score.card["bins"]) == (32, 5)
        bins = [s for s in record.scores if s.score_id == score.score_id and s is not score]
        assert len(bins) == 5 and all("levels" not in bin_.card and bin_.card["level_count"] == 20 for bin_ in bins)
    again = _run(plain, tmp_path)  # the same weights, measured at five levels as well
    assert len(again.scores) == 2 * len(record.scores)
    five = [s.card for s in again.scores if s.metric == "val_loss" and "level_count" not in s.card]
    assert len(five) == 2 and all("levels" not in card and "times" not in card for card in five)


def test_a_record_says_what_the_cell_was_and_what_it_scored(tmp_path: Path) -> None:
    cell = _cell("uvit-micro/4+skip=add", evaluation=SCORED)
    record = _run(cell, tmp_path)
    assert record == Store(tmp_path).read(prepare(cell).train_id)
    assert (record.status, record.error, record.seed) == ("ok", None, 0)
    assert (record.preset, record.options) == ("uvit-micro/4", {"skip": "add"})
    assert record.params == prepare(cell).params == sum(p.numel() for p in build(prepare(cell).model).parameters())
    assert record.training["steps"] == 6
    assert record.provenance["runtime"]["precision"] == "float32"
    metrics = {(s.step, s.weights, s.metric) for s in record.scores}
    for step in (3, 6):
        for weights in ("raw", "ema"):
            assert {(step, weights, m) for m in ("val_loss", *(f"val_loss_bin{i}" for i in range(1, 6)))} <= metrics
    assert {(6, "ema", "fd_effnet_lite0_8"), (6, "ema", "kd_effnet_lite0_8")} <= metrics
    card = next(s.card for s in record.scores if s.metric == "fd_effnet_lite0_8")
    assert {
        "sampler",
        "nfe",
        "guidance",
        "weights",
        "extractor",
        "weights_sha256",
        "reference_hash",
        "floor",
        "count",
    } <= set(card)
    assert (card["sampler"], card["nfe"], card["weights"]) == ("dpm_solver", 2, "ema")
    step_macs = 3 * record.macs * 4
    assert {s.train_macs for s in record.scores} == {3 * step_macs, 6 * step_macs}
    assert [point["step"] for point in record.losses] == [1, 2, 3, 4, 5, 6]
    assert list((tmp_path / "samples" / record.train_id).glob("*.png"))


def test_the_process_trains_scores_and_draws(tmp_path: Path) -> None:
    from bench.trained.drawing import Drawing
    from bench.trained.sample import sample_checkpoint

    def run(process: str, sampler: str) -> Record:
        training = dataclasses.replace(TRAINING, steps=2, process=process)
        evaluation = dataclasses.replace(SCORED, sampler=sampler, val_every=0)
        return _run(_cell(training=training, evaluation=evaluation), tmp_path / process)

    discrete, continuous = run("sd", "dpm_solver_pp"), run("vp", "dpm_solver_pp")
    assert discrete.train_id != continuous.train_id
    assert discrete.training["process"] == "sd"
    for record, process in ((discrete, "sd"), (continuous, "vp")):
        assert {score.card["process"] for score in record.scores} == {process}
        assert "fd_effnet_lite0_8" in {s.metric for s in record.scores}
    assert _values(discrete) != _values(continuous)
    checkpoint = tmp_path / "sd" / "checkpoints" / discrete.train_id
    drawing = Drawing(count=2, nfe=3, sampler="dpm_solver", batch=256)
    out = sample_checkpoint(checkpoint, drawing, out=tmp_path / "a.npz", weights="ema", device="cpu", precision="auto")
    assert out.is_file()


def test_two_runs_are_bit_for_bit_equal_and_another_seed_is_not(tmp_path: Path) -> None:
    first, second = _run(_cell(), tmp_path / "a"), _run(_cell(), tmp_path / "b")
    assert _values(first) == _values(second)
    assert first.losses == second.losses
    ours, theirs = _final(_cell(), tmp_path / "a"), _final(_cell(), tmp_path / "b")
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert _values(_run(_cell(seed=1), tmp_path / "a")) != _values(first)


@pytest.mark.parametrize(("at", "cooldown"), [(1, 0.0), (3, 0.0), (5, 0.0), (3, 0.5)])
def test_a_killed_cell_goes_on_bit_for_bit(tmp_path: Path, at: int, cooldown: float) -> None:
    cell = _cell(training=dataclasses.replace(TRAINING, cooldown=cooldown))
    straight = _run(cell, tmp_path / "straight")
    with pytest.raises(Killed):
        _run(cell, tmp_path / "killed", report=_kill_at(at))
    resumed_from: list[int] = []
    resumed = _run(cell, tmp_path / "killed", report=lambda e: resumed_from.append(e["step"]))
    assert min(resumed_from) >= 2 * (at // 2) - 1, "it went on from the checkpoint, not from the start"
    assert _values(resumed) == _values(straight)
    assert resumed.losses == straight.losses
    ours, theirs = _final(cell, tmp_path / "straight"), _final(cell, tmp_path / "killed")
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_evaluating_more_often_changes_no_weights(tmp_path: Path) -> None:
    often = _cell(evaluation=dataclasses.replace(SCORED, every=1, samples=4))
    rarely = _cell(evaluation=dataclasses.replace(EVALUATION, every=0))
    _run(often, tmp_path / "often")
    _run(rarely, tmp_path / "rarely")
    assert prepare(often).train_id == prepare(rarely).train_id
    ours, theirs = _final(often, tmp_path / "often"), _final(rarely, tmp_path / "rarely")
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_finished_cell_is_not_run_again_and_a_new_score_does_not_train(tmp_path: Path) -> None:
    cell = _cell(evaluation=dataclasses.replace(EVALUATION, every=0))
    record = _run(cell, tmp_path)
    assert is_finished(record, prepare(cell))
    events: list[dict[str, Any]] = []
    assert _run(cell, tmp_path, report=events.append) == record
    assert events == []
    more = dataclasses.replace(cell, evaluation=SCORED)
    more = dataclasses.replace(more, evaluation=dataclasses.replace(SCORED, val_every=0))
    scored = _run(more, tmp_path, report=events.append)
    assert all("loss" not in event for event in events), "the final weights were on disk"
    assert "fd_effnet_lite0_8" in {s.metric for s in scored.scores}
    assert _values(record).items() <= _values(scored).items()


def test_a_score_whose_weights_are_gone_trains_again_to_the_same_values(tmp_path: Path) -> None:
    late = _run(_cell(evaluation=dataclasses.replace(EVALUATION, every=0)), tmp_path / "a")
    early = _run(_cell(evaluation=dataclasses.replace(EVALUATION, every=1)), tmp_path / "a")
    fresh = _run(_cell(evaluation=dataclasses.replace(EVALUATION, every=1)), tmp_path / "b")
    assert _values(early) == _values(fresh)
    assert _values(late).items() <= _values(early).items()


def test_divergence_is_a_record_with_its_reason(tmp_path: Path) -> None:
    cell = _cell(training=dataclasses.replace(TRAINING, lr=1e30, warmup=0))
    record = _run(cell, tmp_path)
    assert record.status == "diverged"
    assert record.error is not None
    assert "loss was" in record.error
    assert not is_finished(record, prepare(cell))
    assert Store(tmp_path).read(record.train_id) == record


def test_any_other_failure_is_a_record_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.training import step as module

    def broken(*args: object) -> None:
        raise RuntimeError("a kernel is missing")

    monkeypatch.setattr(module.TrainState, "train_step", broken)
    record = _run(_cell(), tmp_path)
    assert (record.status, record.error) == ("error", "RuntimeError: a kernel is missing")
    monkeypatch.setattr(
        module.TrainState, "train_step", lambda *args: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA"))
    )
    assert _run(_cell(seed=1), tmp_path).status == "oom"
    monkeypatch.undo()
    assert _run(_cell(), tmp_path).status == "ok", "the same command tries it again"


def test_a_full_disk_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import results.store as module

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        _run(_cell(), tmp_path)
    assert not list((tmp_path / "records").glob("*"))


def test_stored_runtime_wins_on_resume(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run_cell(_cell(), Place(root=tmp_path, runtime=Runtime(threads=1, attention="plain")), report=_kill_at(3))
    record = run_cell(_cell(), Place(root=tmp_path, runtime=Runtime(threads=1, attention="fused")))
    assert record.provenance["runtime"]["attention"] == "plain"


def test_when_scores_are_due() -> None:
    evaluation = EvaluationConfig(every=4, val_every=3, samples=10, final_samples=20)
    points = [(p.step, p.samples, p.sampler) for p in score_points(evaluation, 10)]
    assert points == [(4, 10, "dpm_solver"), (8, 10, "dpm_solver"), (10, 10, "dpm_solver"), (10, 20, "euler_maruyama")]
    assert validation_steps(evaluation, 10) == [3, 6, 9, 10]
    assert validation_steps(EvaluationConfig(every=0), 10) == [10]
    assert score_points(EvaluationConfig(samples=0), 10) == []


def test_ids_depend_on_what_the_weights_depend_on_and_on_nothing_else() -> None:
    def identity(cell: Cell) -> str:
        prepared = prepare(cell)
        return train_id(cell, prepared.model, prepared.dataset)

    base = identity(_cell())
    assert len(base) >= 12
    same = [
        _cell(evaluation=dataclasses.replace(EVALUATION, every=1)),
        _cell(budget="another"),
        _cell("uvit-micro/2+patch=4"),
        _cell("uvit-micro/4+skip=concat"),
    ]
    assert {identity(cell) for cell in same} == {base}
    others = [
        _cell(seed=1),
        _cell("uvit-micro/4+skip=add"),
        _cell("uvit-micro/2"),
        _cell(training=dataclasses.replace(TRAINING, lr=2e-3)),
        _cell(training=dataclasses.replace(TRAINING, precision="bfloat16")),
        _cell(training=dataclasses.replace(TRAINING, image_size=0)),
    ]
    assert len({identity(cell) for cell in [_cell(), *others]}) == len(others) + 1


def test_a_cell_that_goes_on_is_marked_and_a_new_score_keeps_its_marks(tmp_path: Path) -> None:
    straight = _run(_cell(), tmp_path / "straight")
    assert straight.marks == []
    with pytest.raises(Killed):
        _run(_cell(), tmp_path / "killed", report=_kill_at(3))
    assert _run(_cell(), tmp_path / "killed").marks == [RESUMED]
    more = _cell(evaluation=dataclasses.replace(SCORED, val_every=2))
    assert _run(more, tmp_path / "killed").marks == [RESUMED], "the training was that of its record"
    assert _run(more, tmp_path / "straight").marks == []


def test_a_cell_that_ended_without_a_record_is_resumed(tmp_path: Path) -> None:
    record = _run(_cell(), tmp_path)
    Store(tmp_path).record_path(record.train_id).unlink()
    assert _run(_cell(), tmp_path).marks == [RESUMED]


def test_a_smaller_micro_batch_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.training.step import TrainState

    accumulate = TrainState._accumulate

    def short_of_memory(state: TrainState, *batch: Any, **more: Any) -> torch.Tensor:
        if state.micro_batch > 1:
            raise torch.OutOfMemoryError
        return accumulate(state, *batch, **more)

    monkeypatch.setattr(TrainState, "_accumulate", short_of_memory)
    record = _run(_cell(), tmp_path)
    assert (record.status, record.marks) == ("ok", ["micro-batch reduced to 1"])


def test_a_cell_that_goes_on_elsewhere_says_so(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run_cell(_cell(), Place(root=tmp_path, runtime=Runtime(threads=1)), report=_kill_at(3))
    (checkpoint,) = [load_checkpoint(path) for path in tmp_path.glob("checkpoints/*/*.safetensors")][-1:]
    run = CellRun(prepare(_cell()), Place(root=tmp_path, runtime=Runtime(threads=1)), lambda event: None)
    run._mark_start(dataclasses.replace(checkpoint.header, runtime={"device": "cuda:1"}))
    assert run.marks == [RESUMED, MOVED]


def test_a_failed_cell_keeps_its_marks_and_one_from_the_start_has_none(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        _run(_cell(), tmp_path, report=_kill_at(3))
    for path in (tmp_path / "checkpoints").rglob("*.sha256"):
        path.unlink()
    assert _run(_cell(), tmp_path).marks == [], "nothing whole was left to go on from"


def test_the_end_is_told_beside_the_stored_filter_of_its_images(tmp_path: Path) -> None:
    from bench.data import load_dataset
    from bench.diffusion import PROCESSES
    from bench.linear_filter import linear_filter

    store = Store(tmp_path)
    record = _run(_cell(), tmp_path)
    known = linear_filter(load_dataset("photos", image_size=16), PROCESSES.get("vp"))
    for factor, samples, marks in ((1.01, 4, [ABOVE_THE_FILTER]), (0.99, 6, [])):
        levels = [factor * loss for loss in known.loss]
        scores = [dataclasses.replace(score, card=score.card | {"levels": levels}) for score in record.scores]
        store.write(dataclasses.replace(record, scores=scores))
        store.write_linear_filter(known)
        shutil.rmtree(tmp_path / "checkpoints")  # they hold the scores as they were
        record = _run(_cell(evaluation=dataclasses.replace(SCORED, val_every=2, samples=samples)), tmp_path)
        assert record.marks == marks


def test_a_repeat_ends_elsewhere_and_leaves_the_files_of_its_seed_alone(tmp_path: Path) -> None:
    first = _run(_cell(evaluation=SCORED), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    repeat = _cell(repeat=1, evaluation=SCORED)
    beating = list[bool]()
    record = _run(repeat, tmp_path, report=lambda event: beating.append((tmp_path / "running").exists()))
    assert beating and not any(beating), "what watches the grid sees its seeds alone"
    assert (record.train_id, record.repeat, record.status) == (first.train_id, 1, first.status)
    assert {score.score_id for score in record.scores} == {score.score_id for score in first.scores}
    assert [p["loss"] for p in record.losses] == pytest.approx([p["loss"] for p in first.losses], rel=1e-3)
    ends = [load_checkpoint(checkpoint_path(tmp_path / "checkpoints" / name, 6)) for name in (first.name, record.name)]
    assert all(torch.allclose(value, ends[1].tensors[key], atol=1e-4) for key, value in ends[0].tensors.items())
    assert not all(torch.equal(value, ends[1].tensors[key]) for key, value in ends[0].tensors.items())
    assert before == {path: path.stat().st_mtime_ns for path in before}
    fresh = {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*") if path.is_file()} - {
        path.relative_to(tmp_path).parts[:2] for path in before
    }
    assert fresh == {("repeats", f"{record.name}.json"), ("checkpoints", record.name)}
    assert Store(tmp_path).read(first.train_id) == first
    assert _run(repeat, tmp_path) == record, "and it is not trained again"


def test_a_killed_repeat_goes_on_bit_for_bit(tmp_path: Path) -> None:
    repeat = _cell(repeat=2)
    straight = _run(repeat, tmp_path / "straight")
    with pytest.raises(Killed):
        _run(repeat, tmp_path / "killed", report=_kill_at(3))
    resumed = _run(repeat, tmp_path / "killed")
    assert resumed.losses == straight.losses
    assert _values(resumed) == _values(straight)
