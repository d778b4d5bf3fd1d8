"""What variants cost: the table of profiles, the lines below it, and the same figures as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from reports.analysis.costs import peak_bytes, setting_text
from reports.content.table import Table
from reports.content.units import rate, size
from results.metrics import si
from results.profile import MODES, ProfileRecord

_HEADINGS = (
    *("variant", "measured", "params", "GMACs", "images/s ↑", "call\nms", "spread\n%", "peak\nmemory ↓", "status"),
    *("training\nGMACs", "state\nmemory", "activations", "MFU\n%", "J per\n1,000"),
)
_BLOCKS = (*(0,) * 9, *(1,) * 5)


def profile_table(records: Sequence[ProfileRecord]) -> Table:
    """The table of profiles, a row a record: by variant in the order of ``records``, then mode and setting."""
    order = {variant: i for i, variant in enumerate(dict.fromkeys(record.variant for record in records))}
    rows = sorted(records, key=lambda r: (order[r.variant], MODES.index(r.mode), r.dtype, r.batch_size))
    return Table(headings=_HEADINGS, blocks=_BLOCKS, rows=tuple(_row(r) for r in rows), floor=None, baseline=-1)


def _row(record: ProfileRecord) -> tuple[str, ...]:
    timing, memory = record.timing, record.memory
    return (
        record.variant,
        setting_text(record),
        si(record.counts.get("params")),
        _gmacs(record.counts.get("macs")),
        rate(timing.get("imgs_per_s")),
        _number(timing.get("median_s"), scale=1e3),
        _number(timing.get("cv"), scale=1e2),
        size(peak_bytes(record)),
        record.status,
        _gmacs(_train_macs(record)),
        size(memory.get("state")),
        size(memory.get("activations")),
        _number(record.efficiency.get("mfu") or record.efficiency.get("mfu_measured_peak"), scale=1e2),
        _number(record.efficiency.get("energy_j_per_1000_imgs"), scale=1),
    )


def parts_table(records: Sequence[ProfileRecord]) -> Table:
    """The table of parts, a row a variant: the share of each part in its MACs, and in its parameters below."""
    by_variant = {record.variant: record.counts for record in records}
    parts = [p for p in _PARTS if any(p in c.get(of, {}) for c in by_variant.values() for of in _SHARES.values())]
    rows = [
        (f"{variant}, {what}", *(_share(counts.get(of, {}), part) for part in parts))
        for variant, counts in by_variant.items()
        for what, of in _SHARES.items()
    ]
    headings = ("share of", *(part.replace("_", "\n") for part in parts))
    return Table(headings=headings, blocks=(0,) * len(headings), rows=tuple(rows), floor=None, baseline=-1)


_SHARES = {"MACs": "macs_by_part", "params": "params_by_part"}
_PARTS = (
    *("attention_matmuls", "attention_linear", "mlp", "skips", "modulation", "convolutions"),
    *("embedding", "head", "norm", "other"),
)


def _share(by_part: dict[str, int], part: str) -> str:
    total = sum(by_part.values())
    return f"{100 * by_part[part] / total:.2f}%" if by_part.get(part) else ""


def _train_macs(record: ProfileRecord) -> int | None:
    """Forward and backward of one image, with what checkpointing computed again."""
    key = "checkpointed" if record.setting.get("gradient_checkpointing") else "macs"
    macs: int | None = record.counts.get("train_macs", {}).get(key)
    return macs


def _gmacs(macs: int | None) -> str:
    return "–" if macs is None else f"{macs / 1e9:.2f}" if macs >= 1e9 else f"{macs / 1e9:.4f}"


def _number(value: float | None, *, scale: float) -> str:
    return "–" if value is None else f"{value * scale:,.1f}"


def profile_remarks(records: Iterable[ProfileRecord]) -> list[str]:
    """The lines below the table of profiles: devices, how to read it, scaling, methods that differ, failures."""
    records = list(records)
    return [*_devices(records), *scaling(records), *_differences(records), *failures(records)]


def _devices(records: list[ProfileRecord]) -> list[str]:
    names = ", ".join(dict.fromkeys(r.device_name for r in records if r.mode != "count"))
    if not names:
        return []
    return [
        f"on {names}: images/s from the median round, spread its coefficient of variation; peak is the GPU "
        "allocator's, on a CPU by how much the process grew; MFU of the device's data sheet, else of a product "
        "measured on the spot"
    ]


def scaling(records: Sequence[ProfileRecord]) -> list[str]:
    """Images a second of several processes over as many times those of one, where both were measured alike."""
    alone = {_but_world(r): r for r in records if r.ok and r.setting.get("world_size") == 1}
    lines = []
    for record in records:
        size = record.setting.get("world_size", 1)
        if record.ok and size > 1 and (one := alone.get(_but_world(record))):
            share = record.timing["imgs_per_s"] / (size * one.timing["imgs_per_s"])
            lines.append(f"{record.variant}, {setting_text(record)}: scaling efficiency {100 * share:.0f}%")
    return lines


def _but_world(record: ProfileRecord) -> str:
    setting = {key: value for key, value in record.setting.items() if key != "world_size"}
    return repr(
        (record.network, record.device_name, record.mode, record.dtype, record.batch_size, sorted(setting.items()))
    )


def _differences(records: Iterable[ProfileRecord]) -> list[str]:
    differing = {record.variant: record.counts.get("differs", {}) for record in records if record.counts}
    agreed = [variant for variant, methods in differing.items() if not methods]
    lines = [f"closed form, flop_counter and fvcore agree within 1% on {', '.join(agreed)}"] if agreed else []
    return lines + [
        f"{variant}: {method} does not confirm flop_counter: {why}"
        for variant, methods in differing.items()
        for method, why in methods.items()
    ]


def failures(records: Iterable[ProfileRecord]) -> list[str]:
    """The profiles that were not measured to the end, one line each."""
    return [
        f"{r.variant}, {setting_text(r)}: {r.status} ({r.error or 'no reason recorded'})" for r in records if not r.ok
    ]


def profile_rows(records: Iterable[ProfileRecord]) -> list[dict[str, Any]]:
    """A flat dictionary a record, all with the same keys; rounds, hardware and provenance stay in the record."""
    records = list(records)
    settings = dict.fromkeys(key for record in records for key in record.setting)
    return [_row_of_figures(record, settings) for record in records]


def _row_of_figures(record: ProfileRecord, settings: Iterable[str]) -> dict[str, Any]:
    keys = ("profile_id", "variant", "mode", "status", "error", "device", "device_name", "dtype", "batch_size")
    whole = asdict(record)
    counts, memory = record.counts, record.memory
    flat = {key: whole[key] for key in keys} | {f"setting_{key}": record.setting.get(key) for key in settings}
    flat |= {"params": counts.get("params"), "macs": counts.get("macs")}
    flat |= {"train_macs": counts.get("train_macs", {}).get("macs")}
    flat |= {key: record.timing.get(key) for key in ("imgs_per_s", "median_s", "p10_s", "p90_s", "cv")}
    flat |= {key: memory.get(key) for key in ("peak_allocated", "peak_reserved", "peak_rss", "peak_rss_growth")}
    flat |= {"state_bytes": memory.get("state"), "activation_bytes": memory.get("activations")}
    return flat | {key: record.efficiency.get(key) for key in ("mfu", "mfu_measured_peak", "energy_j_per_1000_imgs")}
