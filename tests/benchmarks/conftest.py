"""What the benchmarks share: a table of every ratio with its target, printed at the end and kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from results.provenance import provenance
from tests.benchmarks.interleaved import Ratio

SLACK = 0.85  # a ratio fails 15% under its target: what these machines' noise does to a median
_ROWS = pytest.StashKey[list[dict[str, Any]]]()

Note = Callable[..., None]


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """``note(what, ratio_or_value, target=…, unit=…)`` adds a row; a ratio too far under its target fails the test."""
    rows = request.config.stash.setdefault(_ROWS, [])

    def add(what: str, value: Ratio | float, *, target: float | None = None, unit: str = "x", detail: str = "") -> None:
        median = value.median if isinstance(value, Ratio) else value
        spread = f"[{value.p10:.2f}, {value.p90:.2f}] n={value.rounds}" if isinstance(value, Ratio) else ""
        rows.append({"what": what, "value": median, "unit": unit, "spread": spread, "target": target, "detail": detail})
        if isinstance(value, Ratio) and target is not None:
            assert median >= SLACK * target, f"{what}: {value}, target {target}"

    return add


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Two threads, whatever the machine has, and the former count afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash.get(_ROWS, [])
    if not rows:
        return
    width = max(len(row["what"]) for row in rows)
    terminalreporter.section("measured (medians; spread is the 10th and 90th percentile of rounds)")
    for row in rows:
        target = "" if row["target"] is None else f"target {row['target']:g}"
        value = f"{row['value']:.2f}" if abs(row["value"]) < 1_000 else f"{row['value']:,.0f}"
        line = f"{row['what']:<{width}}  {value:>8} {row['unit']:<9} {row['spread']:<24} {target:<12} {row['detail']}"
        terminalreporter.write_line(line.rstrip())
    path = Path(config.rootpath) / ".benchmarks" / "ratios.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"machine": provenance(), "rows": rows}, indent=1) + "\n")
    terminalreporter.write_line(f"kept with the machine's description in {path.relative_to(config.rootpath)}")
