"""Throughput against batch size, of profiles that agree in everything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from results.profile import ProfileRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """One variant: (batch size, images/s of the median round, of the p90 round, of the p10 round), by batch size."""

    variant: str
    points: tuple[tuple[int, float, float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPanel:
    """All variants measured in one mode and setting on one device."""

    mode: str
    device: str
    setting: str
    lines: tuple[BatchLine, ...]


def batch_panels(records: Iterable[ProfileRecord]) -> list[BatchPanel]:
    """The panels in which some variant was measured at two batch sizes or more; variants with fewest changes first."""
    groups: dict[tuple[str, str, str], dict[str, dict[int, ProfileRecord]]] = {}
    for record in records:
        if record.ok and record.mode != "count":
            key = (record.mode, record.device_name, _setting(record))
            groups.setdefault(key, {}).setdefault(record.variant, {})[record.batch_size] = record
    return [
        BatchPanel(mode=mode, device=device, setting=setting, lines=lines)
        for (mode, device, setting), variants in groups.items()
        if (lines := tuple(_line(name, variants[name]) for name in _ordered(variants) if len(variants[name]) > 1))
    ]


def _ordered(variants: Iterable[str]) -> list[str]:
    return sorted(variants, key=lambda name: (name.count("+"), name))


def _line(variant: str, by_batch: dict[int, ProfileRecord]) -> BatchLine:
    return BatchLine(variant=variant, points=tuple(_point(by_batch[size]) for size in sorted(by_batch)))


def _point(record: ProfileRecord) -> tuple[int, float, float, float]:
    """A slow round is a long one: the p90 of the seconds gives the low end of the images a second."""
    timing = record.timing
    median = float(timing["imgs_per_s"])
    low, high = (median * timing["median_s"] / seconds if (seconds := timing.get(name)) else median
                 for name in ("p90_s", "p10_s"))  # fmt: skip
    return record.batch_size, median, low, high


def _setting(record: ProfileRecord) -> str:
    """``bfloat16, compile, 2 processes``: everything but mode, device and batch size."""
    setting = record.setting
    switches = [name.replace("_", " ") for name, value in setting.items() if value is True]
    drawn = [f"{setting['sampler']} {setting.get('nfe')} NFE"] if setting.get("sampler") else []
    world = [f"{size} processes"] if (size := setting.get("world_size", 1)) != 1 else []
    return ", ".join([record.dtype, *drawn, *switches, *world])
