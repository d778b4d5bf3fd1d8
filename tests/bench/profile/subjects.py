"""The smallest subjects and the shortest protocol that still measure something."""

from __future__ import annotations

from typing import Any

from bench.profile.setting import Setting, Subject
from bench.profile.timing import Protocol
from variants import canonical, resolve

QUICK = Protocol(rounds=3, round_s=0.002, warmup_calls=3)


def subject(variant: str = "uvit-micro/4", **data: Any) -> Subject:
    sizes = {"image_size": 8, "channels": 3} | data
    return Subject(variant=canonical(variant), config=resolve(variant, **sizes))


def setting(mode: str = "forward", **changes: Any) -> Setting:
    drawn = {"sampler": "dpm_solver", "nfe": 2} if mode == "sample" else {}
    return Setting(**{"mode": mode, "batch_size": 2, "attention": "plain", **drawn, **changes})
