"""Did a benchmark get slower? ``python -m bench.profile.regression BEFORE.json AFTER.json``, files of pytest-benchmark.

With a folder in their place (``.benchmarks``), its newest file is compared with the one before of the same machine.

A benchmark is slower when the ratio of its medians exceeds 1 by more than its noise: the middle 80% of its rounds over
their median, of both files in quadrature, and at least ``FLOOR``, for two processes differ by more than the rounds of
one. Exit code 0 no slower, 1 slower, 2 not comparable (another machine, no raw rounds).
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLOOR = 0.05
_MACHINE = (("node",), ("machine",), ("system",), ("cpu", "brand_raw"), ("cpu", "count"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingComparison:
    """One benchmark in both files; seconds are medians."""

    name: str
    before_s: float
    after_s: float
    noise: float

    @property
    def ratio(self) -> float:
        return self.after_s / self.before_s

    @property
    def slower(self) -> bool:
        return self.ratio > 1 + self.noise

    @property
    def faster(self) -> bool:
        return self.ratio < 1 / (1 + self.noise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All comparisons, and the names that stand in one file alone."""

    compared: list[TimingComparison]
    alone: dict[str, str]

    @property
    def slower(self) -> bool:
        return any(item.slower for item in self.compared)

    def text(self) -> str:
        """A line a benchmark."""
        width = max([len("benchmark"), *map(len, self.alone), *(len(item.name) for item in self.compared)])
        lines = [f"{'benchmark':<{width}}  {'before ms':>10}  {'after ms':>10}  {'ratio':>6}  {'noise':>6}"]
        for item in self.compared:
            verdict = "slower" if item.slower else "faster" if item.faster else ""
            figures = f"{item.before_s * 1e3:>10.3f}  {item.after_s * 1e3:>10.3f}  {item.ratio:>6.3f}"
            lines.append(f"{item.name:<{width}}  {figures}  {item.noise:>6.1%}  {verdict}".rstrip())
        return "\n".join([*lines, *(f"{name:<{width}}  {where}" for name, where in self.alone.items())])


def newest_two(folder: Path) -> tuple[Path, Path] | None:
    """(The last but one, the newest) file of one machine in pytest-benchmark's storage; None where there is one alone.

    Its files lie in a folder for each kind of machine. Raises ValueError for a file of another kind, and without any.
    """
    read = ((_read(path), path) for path in folder.glob("*/*.json"))
    found = sorted(read, key=lambda pair: str(pair[0].get("datetime")))
    if not found:
        raise ValueError(f"{folder}: expected files of pytest-benchmark, found none: save with --benchmark-autosave")
    newest, after = found.pop()
    before = [path for content, path in found if _machine(content) == _machine(newest)]
    return (before[-1], after) if before else None


def _machine(content: dict[str, Any]) -> dict[str, Any]:
    return {" ".join(path): _get(content["machine_info"], path) for path in _MACHINE}


def compare(before: Path, after: Path) -> Report:
    """Compare two files. Raises ValueError when they are none, or were not made on the same machine."""
    old, new = _read(before), _read(after)
    machine = _machine(new)
    for name, a in _machine(old).items():
        if a != machine[name]:
            b = machine[name]
            raise ValueError(f"expected two files of one machine, got {name} {a!r} and {b!r}: measure both on one")
    rounds_old, rounds_new = (_rounds(content, path) for content, path in ((old, before), (new, after)))
    compared = [_compare(name, rounds_old[name], rounds_new[name]) for name in rounds_old if name in rounds_new]
    if not compared:
        raise ValueError(f"expected a benchmark that stands in both {before} and {after}, got none")
    alone = {name: "only before" for name in rounds_old if name not in rounds_new}
    alone |= {name: "only after" for name in rounds_new if name not in rounds_old}
    return Report(compared=compared, alone=alone)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected a JSON file of pytest-benchmark ({error})") from None
    if not isinstance(content, dict) or not {"machine_info", "benchmarks"} <= content.keys():
        raise ValueError(f"{path}: expected a JSON file of pytest-benchmark, got other JSON")
    return content


def _get(info: Any, path: Sequence[str]) -> Any:
    for key in path:
        info = info.get(key) if isinstance(info, dict) else None
    return info


def _rounds(content: dict[str, Any], path: Path) -> dict[str, list[float]]:
    found = {}
    for item in content["benchmarks"]:
        rounds = item["stats"].get("data")
        if not rounds:
            raise ValueError(f"{path}: {item['fullname']} has no raw rounds: save with --benchmark-save-data")
        found[item["fullname"]] = rounds
    return found


def _compare(name: str, before: list[float], after: list[float]) -> TimingComparison:
    noise = max(FLOOR, math.hypot(_noise(before), _noise(after)))
    return TimingComparison(
        name=name, before_s=statistics.median(before), after_s=statistics.median(after), noise=noise
    )


def _noise(rounds: list[float]) -> float:
    """The middle 80% of the rounds over their median; a single round tells nothing of its noise."""
    if len(rounds) < 2:
        return math.inf
    tenths = statistics.quantiles(rounds, n=10, method="inclusive")
    return (tenths[-1] - tenths[0]) / statistics.median(rounds)


def main(arguments: Sequence[str]) -> int:
    """Print the comparison; the exit code."""
    try:
        paths = tuple(map(Path, arguments))
        if len(paths) == 1 and paths[0].is_dir():
            newest = newest_two(paths[0])
            if newest is None:
                print("bench-compare: the first of this machine is saved; the next is compared with it")
                return 0
            paths = newest
        if len(paths) != 2:
            raise ValueError(f"expected BEFORE.json and AFTER.json, or a folder of both; got {len(paths)} arguments")
        report = compare(*paths)
    except ValueError as error:
        print(f"bench-compare: {error}", file=sys.stderr)
        return 2
    print(report.text())
    return int(report.slower)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
