"""What an arm costs, beside its scores: images a second and peak memory of profiles of the same network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from reports.views.grid import GridView
from results.profile import MODES, ProfileRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CostColumns:
    """Images a second and peak memory of a grid's arms, all measured alike; an arm without has no entry."""

    mode: str
    how: str  # device and setting
    by_arm: dict[str, ProfileRecord]


def cost_columns(grid: GridView) -> list[CostColumns]:
    """The grid's measured costs, a mode each: in the setting that most arms share, the fastest among equals."""
    measured: dict[tuple[str, str], dict[str, ProfileRecord]] = {}
    for arm in grid.arms:
        for record in arm.profiles:
            if record.ok and record.mode != "count":
                how = f"{setting_text(record)} on {record.device_name}"
                measured.setdefault((record.mode, how), {})[arm.name] = record
    result = []
    for mode in MODES:
        candidates = [(how, arms) for (of, how), arms in measured.items() if of == mode]
        if candidates:
            how, arms = max(candidates, key=lambda pair: (len(pair[1]), _typical(pair[1].values())))
            result.append(CostColumns(mode=mode, how=how, by_arm=arms))
    return result


def _typical(records: Iterable[ProfileRecord]) -> float:
    return median(record.timing["imgs_per_s"] for record in records)


def setting_text(record: ProfileRecord) -> str:
    """``train bfloat16 ×64, compile``: what was measured, without the device."""
    if record.mode == "count":
        return "counts"
    setting = record.setting
    switches = [name.replace("_", " ") for name, value in setting.items() if value is True]
    drawn = [f"{setting['sampler']} {setting.get('nfe')} NFE"] if setting.get("sampler") else []
    world = [f"{size} processes"] if (size := setting.get("world_size", 1)) != 1 else []
    return ", ".join([f"{record.mode} {record.dtype} ×{record.batch_size}", *drawn, *switches, *world])


def peak_bytes(record: ProfileRecord) -> int | None:
    """The GPU allocator's peak, else by how much the process grew; None where neither was told."""
    memory = record.memory
    allocated = memory.get("peak_allocated")
    grown = memory.get("peak_rss_growth")
    return allocated if allocated is not None else grown
