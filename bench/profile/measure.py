"""From subjects and a setting to records: the subjects take turns, so that drift of the machine hits all alike."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import torch

from bench.profile.counting import counts
from bench.profile.hardware import Gpu, Monitor, energy_of, find_gpu
from bench.profile.memory import PeakMeter, kept_bytes
from bench.profile.peaks import Peak, known_peak
from bench.profile.setting import Setting, Subject, device_name
from bench.profile.timing import Clock, Protocol, Rounds, spread
from bench.profile.workload import Workload, make_workload
from bench.profile.world import World
from bench.training.step import is_out_of_memory
from results.profile import ProfileRecord, profile_id
from results.provenance import provenance
from variants import as_spec, resolve


@dataclass(slots=True, kw_only=True)
class _Case:
    """One subject, ready to be timed or failed on the way; what failed holds no tensor any more."""

    subject: Subject
    setting: Setting
    rounds: Rounds | None = None
    memory: dict[str, Any] | None = None
    energy_j: float | None = 0.0
    status: str = "ok"
    error: str | None = None

    def fail(self, error: BaseException) -> None:
        """Note why, and let go of the network; text only, for a traceback would keep its tensors alive."""
        self.status = "oom" if is_out_of_memory(error) else "error"
        kind = "" if type(error) is ValueError else f"{type(error).__name__}: "  # ours are whole sentences
        self.error = kind + " ".join(str(error).split())[:300]
        self.rounds = None


def measure(
    subjects: Sequence[Subject],
    setting: Setting,
    *,
    protocol: Protocol,
    world: World | None = None,
    measured: Peak | None = None,
) -> list[ProfileRecord]:
    """A record a subject, in their order: ``ok``, ``oom`` or ``error`` with the reason; no failure is raised.

    All subjects are built and warmed up first, then rounds alternate between them. ``measured`` is the device's peak by
    a product on the spot, where one was taken.
    """
    world = world or World(device=setting.device)
    gpu = find_gpu(setting.device)
    setting.runtime.apply()
    cases = [_prepared(subject, setting, protocol, world) for subject in subjects]
    with Monitor(gpu) as monitor:
        for _ in range(protocol.rounds):
            for case in cases:
                _round(case, gpu, world)
    hardware = monitor.summary()
    records = [_record(case, hardware, measured, turns=len(cases)) for case in cases]
    cases.clear()
    _clean(setting)
    return records


def _clean(setting: Setting) -> None:
    """Give back what ended measurements held, so that the next starts clean."""
    if setting.compile:
        torch.compiler.reset()
    gc.collect()
    if setting.device_type == "cuda":
        torch.cuda.empty_cache()


def _prepared(subject: Subject, setting: Setting, protocol: Protocol, world: World) -> _Case:
    case = _Case(subject=subject, setting=setting)
    try:
        case.setting = setting = setting.for_network(subject.config)
        _settle(replace(setting, batch_size=1, compile=False, cuda_graphs=False, gradient_checkpointing=False))
        meter = PeakMeter(setting.device)
        workload = make_workload(subject.config, setting)
        case.rounds = Rounds(call=workload.call, clock=Clock(setting.device, world), protocol=protocol)
        case.rounds.warm_up()
        case.memory = _memory(meter, workload)
    except Exception as error:
        case.fail(error)
    if world.any(case.status != "ok") and case.status == "ok":
        case.fail(RuntimeError("another process of this measurement failed"))
    if case.status != "ok":
        _clean(setting)
    return case


@lru_cache
def _settle(setting: Setting) -> None:
    """Run a tiny network once, so that libraries and workspaces that torch loads late are no variant's memory."""
    make_workload(resolve("uvit-micro/4", image_size=8, channels=3), setting).call()


def _memory(meter: PeakMeter, workload: Workload) -> dict[str, Any]:
    """The peak of the calls so far, what training holds between steps, and what a forward keeps for its backward."""
    peak, state = meter.read(), workload.state_bytes()
    kept = kept_bytes(workload.forward_loss, workload.fixed()) if workload.forward_loss else None
    return {**peak, "state": sum(state.values()), "state_split": state, "activations": kept}


def _round(case: _Case, gpu: Gpu | None, world: World) -> None:
    if case.rounds is None:
        return
    try:
        energy = energy_of(gpu, case.rounds.measure)
        case.energy_j = None if energy is None or case.energy_j is None else case.energy_j + energy
    except Exception as error:
        case.fail(error)


def _record(case: _Case, hardware: dict[str, Any], measured: Peak | None, *, turns: int) -> ProfileRecord:
    bare = bare_record(case.subject, case.setting, status=case.status, error=case.error)
    if case.rounds is None:
        return replace(bare, memory=case.memory or {}, hardware=hardware)
    timing = _timing(case.rounds.seconds, case.setting)
    return replace(
        bare,
        rounds=case.rounds.seconds,
        timing=timing,
        protocol={**case.rounds.summary(), "taking_turns": turns},
        memory=case.memory or {},
        hardware=hardware,
        efficiency=_efficiency(case, case.rounds, bare.counts, timing, measured),
    )


def bare_record(subject: Subject, setting: Setting, *, status: str = "ok", error: str | None = None) -> ProfileRecord:
    """What is known without having measured: who, how, counts and provenance."""
    spec, name, network = as_spec(subject.variant), device_name(setting.device), subject.config.identity()
    return ProfileRecord(
        profile_id=profile_id(
            {"variant": subject.variant, "network": network, "device_name": name, "setting": setting.identity()}
        ),
        status=status,
        error=error,
        variant=subject.variant,
        preset=spec.preset,
        options=dict(spec.options),
        network=network,
        mode=setting.mode,
        device=setting.device_type,
        device_name=name,
        dtype=setting.dtype,
        batch_size=setting.batch_size,
        setting=_other_settings(setting),
        counts=counts(subject.config),
        provenance=provenance(),
    )


def _other_settings(setting: Setting) -> dict[str, Any]:
    return {k: v for k, v in asdict(setting).items() if k not in ("mode", "device", "dtype", "batch_size")}


def _timing(seconds: list[float], setting: Setting) -> dict[str, float]:
    found = spread(seconds)
    return found | {"imgs_per_s": setting.batch_size * setting.world_size / found["median_s"]}


def _efficiency(
    case: _Case,
    rounds: Rounds,
    found: dict[str, Any],
    timing: dict[str, float],
    measured: Peak | None,
) -> dict[str, Any]:
    """FLOPs a second of one device against its peaks, and energy. Recomputed work counts as none (that is MFU)."""
    setting = case.setting
    macs = {"forward": found["macs"], "sample": found["macs"] * setting.nfe, "train": found["train_macs"]["macs"]}
    flops_per_s = 2 * macs[setting.mode] * timing["imgs_per_s"] / setting.world_size
    peak = known_peak(device_name(setting.device), setting.dtype)
    images = setting.batch_size * rounds.calls * len(rounds.seconds)
    return {
        "flops_per_s": flops_per_s,
        "peak_flops_per_s": peak.flops_per_s if peak else None,
        "peak_source": peak.source if peak else None,
        "mfu": flops_per_s / peak.flops_per_s if peak else None,
        "measured_peak_flops_per_s": measured.flops_per_s if measured else None,
        "measured_peak_source": measured.source if measured else None,
        "mfu_measured_peak": flops_per_s / measured.flops_per_s if measured else None,
        "energy_j_per_1000_imgs": 1000 * case.energy_j / images if case.energy_j else None,
    }
