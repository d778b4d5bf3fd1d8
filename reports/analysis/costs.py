"""What an arm costs, beside its scores: images a second and peak memory of profiles of the same network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from reports.views.grid import ArmView, GridView
from results.profile import MODES, ProfileRecord

_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class CostColumns:
    """Images a second and peak memory of a grid's arms, all measured alike; an arm without has no entry."""

    mode: str
    how: str  # device and setting
    by_arm: dict[str, ProfileRecord]

    @property
    def headings(self) -> tuple[str, str]:
        """Lines of the two columns' headings."""
        return f"{self.mode}\nimages/s ↑", f"{self.mode}\npeak memory ↓"

    def texts(self, arm: ArmView) -> tuple[str, str]:
        record = self.by_arm.get(arm.name)
        return (rate(record.timing["imgs_per_s"]), size(peak_bytes(record))) if record else ("–", "–")


def cost_columns(grid: GridView) -> list[CostColumns]:
    """For each mode the setting that most arms were measured in, the fastest among equals."""
    found: dict[tuple[str, str], dict[str, ProfileRecord]] = {}
    for arm in grid.arms:
        for record in arm.profiles:
            if record.ok and record.mode != "count":
                how = f"{setting_text(record)} on {record.device_name}"
                found.setdefault((record.mode, how), {})[arm.name] = record
    result = []
    for mode in MODES:
        candidates = [(how, arms) for (of, how), arms in found.items() if of == mode]
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


def rate(value: float | None) -> str:
    """Images a second with three digits, or all before the point."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def size(count: int | None) -> str:
    """Bytes as ``17.3 GiB`` or ``5.2 MiB``."""
    if count is None:
        return "–"
    return f"{count / _GIB:.2f} GiB" if count >= _GIB else f"{count / 2**20:.1f} MiB"
