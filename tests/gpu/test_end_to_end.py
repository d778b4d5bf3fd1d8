"""The whole suite on a CUDA GPU: a cell killed and resumed, a grid from the command line, a profile with MFU."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

import cli
import results
from bench.cell.place import Place
from bench.cell.run import run_cell
from bench.machine.runtime import resolve_runtime
from bench.profile.measure import measure
from results.profile import ProfileRecord
from results.record import Record
from tests.bench.cell.test_run import EVALUATION, SCORED, TRAINING, Killed, _cell, _kill_at, _values
from tests.bench.profile.subjects import QUICK, setting, subject

pytestmark = pytest.mark.cuda


def _on_gpu(root: Path, **more: object) -> Record:
    cell = _cell(training=dataclasses.replace(TRAINING, batch_size=8), evaluation=EVALUATION)
    runtime = resolve_runtime(device="cuda", precision="float32")
    return run_cell(cell, Place(root=root, runtime=runtime), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [3, 5])
def test_a_killed_cell_goes_on(tmp_path: Path, at: int) -> None:
    straight = _on_gpu(tmp_path / "straight")
    with pytest.raises(Killed):
        _on_gpu(tmp_path / "killed", report=_kill_at(at))
    resumed_from: list[int] = []
    resumed = _on_gpu(tmp_path / "killed", report=lambda event: resumed_from.append(event["step"]))
    assert min(resumed_from) >= 2 * (at // 2) - 1, "it went on from the checkpoint, not from the start"
    assert resumed.status == straight.status == "ok"
    assert _values(resumed) == _values(straight)


def test_a_scored_cell_is_the_cpu_s(tmp_path: Path) -> None:
    cell = _cell(evaluation=SCORED)
    values = []
    for device in ("cpu", "cuda"):
        runtime = resolve_runtime(device=device, precision="float32")
        record = run_cell(cell, Place(root=tmp_path / device, runtime=runtime))
        assert record.error is None
        values.append(_values(record))
    assert record.provenance["gpu"] == torch.cuda.get_device_name()
    assert record.provenance["runtime"]["cuda_graphs"] is True
    for key, value in values[0].items():
        assert values[1][key] == pytest.approx(value, rel=2e-3), key


def test_a_grid_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "grid"
    run = ["run", "skip", "--budget", "smoke", "--seeds", "2", "--jobs", "2", "--device", "cuda", "--out", str(out)]
    assert cli.main(run) == 0
    assert "concat" in capsys.readouterr().out
    frame = results.load(out)
    assert len(frame.train_id.unique()) == 10
    cell = next(path for path in sorted((out / "checkpoints").iterdir()) if path.is_dir())
    sample = ["sample", str(cell), "--count", "4", "--device", "cuda", "--out", str(tmp_path / "four.npz")]
    assert cli.main(sample) == 0
    assert cli.main(["cka", str(cell), "--device", "cuda", "--out", str(tmp_path / "cka")]) == 0
    assert cli.main(["report", str(out)]) == 0


@pytest.mark.parametrize("mode", ["forward", "train", "sample"])
@pytest.mark.parametrize("switch", ["", "cuda_graphs", "compile", "channels_last"])
def test_a_profile_has_every_figure(mode: str, switch: str) -> None:
    record = _measured(mode, **({switch: True} if switch else {}))
    assert (record.status, record.error) == ("ok", None)
    assert record.memory["peak_allocated"] > 0
    assert record.memory["peak_reserved"] > 0
    for figure in ("sm_clock_mhz", "temperature_c", "power_w"):
        assert record.hardware[figure]["max"] > 0
    assert record.hardware["throttled"] is not None
    assert record.hardware["driver"]
    if any(card in torch.cuda.get_device_name() for card in ("H100", "H200", "A100")):
        assert 0 < record.efficiency["mfu"] < 1
        assert record.efficiency["peak_source"]


def _measured(mode: str, **changes: object) -> ProfileRecord:
    chosen = setting(mode, device="cuda", dtype="bfloat16", attention="fused", batch_size=32, **changes)
    [record] = measure([subject()], chosen, protocol=QUICK)
    return record


def test_float16_forward() -> None:
    [record] = measure([subject()], setting(device="cuda", dtype="float16", attention="fused"), protocol=QUICK)
    assert record.ok, record.error


def test_out_of_memory_is_a_row_and_the_next_starts_clean() -> None:
    before = torch.cuda.memory_allocated()
    [too_large] = measure([subject()], setting("train", device="cuda", batch_size=10**8), protocol=QUICK)
    assert too_large.status == "oom"
    assert torch.cuda.memory_allocated() - before < 64 << 20
    assert _measured("train").ok


def test_checkpointing_saves_memory() -> None:
    large = subject("uvit-nano/2", image_size=32)

    def peak(on: bool) -> int:
        chosen = setting("train", device="cuda", attention="fused", batch_size=128, gradient_checkpointing=on)
        [record] = measure([large], chosen, protocol=QUICK)
        assert record.ok, record.error
        return int(record.memory["peak_allocated"])

    assert peak(True) < 0.6 * peak(False)


def test_measured_peak_is_near_the_table_s() -> None:
    from bench.profile.peaks import known_peak, measured_peak

    name = torch.cuda.get_device_name()
    known = known_peak(name, "bfloat16")
    if known is None:
        pytest.skip(f"no peak is known of {name}")
    assert 0.5 < measured_peak("cuda", "bfloat16").flops_per_s / known.flops_per_s < 1.05
