"""The record that one profile leaves: one variant in one setting on one device. Failures are records too.

``profile_id`` hashes the variant, its network, the setting and the device's name, so measuring again replaces the
record. Absent counters are absent: ``memory`` and ``hardware`` hold what the device tells, and None for the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from results.schema import (
    ID,
    MAPPING,
    SCHEMA,
    TEXT,
    Checks,
    Stored,
    check_fields,
    head,
    is_count,
)

ProfileStatus = Literal["ok", "oom", "error"]
STATUSES: tuple[ProfileStatus, ...] = ("ok", "oom", "error")
MODES = ("count", "forward", "train", "sample")  # count: parameters and MACs alone, on no device


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRecord(Stored):
    """What one measurement leaves. Raises ValueError, naming the field, when a value is not what the schema says.

    ``rounds`` are seconds a call (a forward pass, a training step, a whole sampling) in the order in which they were
    measured; ``timing`` has ``median_s``, ``p10_s``, ``p90_s``, ``cv`` and ``imgs_per_s`` over them. ``setting`` is
    everything else that a user chose (compile, sampler, NFE, world size, …) and the attention kernel that the machine
    took, ``protocol`` how it was timed. docs/profile.md says what each key means.
    """

    schema: int = SCHEMA
    kind: str = "profile"
    profile_id: str
    status: str
    error: str | None = None
    variant: str
    preset: str
    options: dict[str, str] = field(default_factory=dict)
    network: dict[str, Any]
    mode: str
    device: str
    device_name: str
    dtype: str
    batch_size: int
    setting: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    rounds: list[float] = field(default_factory=list)
    timing: dict[str, float] = field(default_factory=dict)
    protocol: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)
    efficiency: dict[str, Any] = field(default_factory=dict)
    search: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self, _CHECKS)

    @property
    def ok(self) -> bool:
        """Whether it was measured to the end."""
        return self.status == "ok"


def profile_id(identity: Mapping[str, Any]) -> str:
    """16 hex digits of SHA-256 over canonical JSON of what a profile depends on."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_times(value: Any) -> bool:
    return isinstance(value, list) and all(_is_positive(item) for item in value)


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")


def _is_timing(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_positive(number) or number == 0 for number in value.values())


_CHECKS: Checks = {
    **head("profile"),
    "profile_id": ID,
    "status": (lambda value: value in STATUSES, f"one of {', '.join(STATUSES)}"),
    "error": (lambda value: value is None or isinstance(value, str), "text or null"),
    **dict.fromkeys(("variant", "preset", "device", "device_name", "dtype"), TEXT),
    "mode": (lambda value: value in MODES, f"one of {', '.join(MODES)}"),
    "batch_size": (lambda value: is_count(value) and value > 0, "a whole number from 1"),
    **dict.fromkeys(("options", "network", "setting", "counts", "protocol", "memory", "hardware"), MAPPING),
    **dict.fromkeys(("efficiency", "search", "provenance"), MAPPING),
    "rounds": (_is_times, "a list of seconds above 0"),
    "timing": (_is_timing, "an object of numbers from 0"),
}
