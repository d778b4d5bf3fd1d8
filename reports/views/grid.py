"""What a report shows, as typed views over records and manifests: grids, their arms, the arms' cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reports.views.asked import Draw, DrawKind, drawn
from results.calibration import CalibrationRecord
from results.linear_filter import LinearFilterRecord
from results.manifest import Manifest
from results.metrics import Metric, describe
from results.profile import ProfileRecord
from results.record import Record, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """One seed of an arm; ``record`` is None while the cell has not left one."""

    seed: int
    train_id: str
    record: Record | None  # without samples that the grid did not ask for, and without its sweep
    swept: tuple[Score, ...] = ()  # what the grid's sweep asked for, of a cell that trained to the end

    @property
    def survivor(self) -> Record | None:
        """The record when its training ended, so that its scores enter means."""
        return self.record if self.record is not None and self.record.survived else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmView:
    """All seeds of one variant in a grid."""

    name: str
    variant: str
    formula: str
    cells: tuple[CellView, ...]
    is_baseline: bool  # of its block
    block: str = ""  # the option of the grid's ``within``
    profiles: tuple[ProfileRecord, ...] = ()  # of the same network
    sizes: dict[str, int] = field(default_factory=dict)  # depth, width and patch, where the manifest says them

    @property
    def bare_name(self) -> str:
        """The name without that of its block."""
        return self.name.removeprefix(f"{self.block}/") if self.block else self.name

    @property
    def survivors(self) -> list[Record]:
        return [record for cell in self.cells if (record := cell.survivor) is not None]

    @property
    def records(self) -> list[Record]:
        return [cell.record for cell in self.cells if cell.record is not None]

    @property
    def options(self) -> dict[str, str]:
        """Non-default options, of the records or else read off the variant's text."""
        if self.records:
            return dict(self.records[0].options)
        pairs = (part.partition("=") for part in self.variant.split("+")[1:])
        return {axis: option for axis, _, option in pairs}

    def count(self, *statuses: str) -> int:
        """Cells with one of these statuses."""
        return sum(record.status in statuses for record in self.records)

    def network_size(self, name: Literal["params", "macs"]) -> int | None:
        """Parameters, or MACs of one forward pass, of the arm's network; None before its first record."""
        return next((int(getattr(record, name)) for record in self.records), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridView:
    """One grid with whatever of its cells is on disk."""

    name: str  # of tables and plots, unique in a report
    title: str
    manifest: Manifest
    arms: tuple[ArmView, ...]
    linear_filters: tuple[LinearFilterRecord, ...] = ()  # of the images that its cells were validated on
    calibrations: Mapping[str, CalibrationRecord] = field(default_factory=dict)  # by block, of its baseline's training

    @property
    def baseline(self) -> ArmView:
        """The baseline; of a grid of blocks that of the first."""
        return next(arm for arm in self.arms if arm.is_baseline)

    def baseline_of(self, arm: ArmView) -> ArmView:
        """What ``arm`` is compared with: the baseline of its block."""
        return next(each for each in self.arms if each.is_baseline and each.block == arm.block)

    @property
    def blocks(self) -> list[str]:
        """The options of the grid's ``within``, in the order of the arms; one empty name for a grid without blocks."""
        return list(dict.fromkeys(arm.block for arm in self.arms))

    @property
    def challengers(self) -> list[ArmView]:
        """Every arm but the baselines."""
        return [arm for arm in self.arms if not arm.is_baseline]

    @property
    def cells(self) -> list[CellView]:
        return [cell for arm in self.arms for cell in arm.cells]

    @property
    def question(self) -> str:
        return self.manifest.question

    @property
    def metric_name(self) -> str:
        """The primary endpoint's metric as records name it."""
        return self.manifest.endpoint.metric

    @property
    def metric(self) -> Metric:
        """The primary endpoint's metric: how it is shown, and which way is better."""
        return describe(self.metric_name)

    @property
    def weights(self) -> str:
        """The primary endpoint's weights: ``ema`` or ``raw``."""
        return self.manifest.endpoint.weights

    @property
    def margin(self) -> float | None:
        """Within which differences arms count as equivalent; None where none was declared.

        In the metric's own unit, and of a metric that is a ratio (declared as 1.10) its logarithm.
        """
        declared = self.manifest.endpoint.margin
        if declared is None or not self.metric.ratio:
            return declared
        return math.log(declared) if declared > 1 else None

    @property
    def linear_filter(self) -> LinearFilterRecord | None:
        """The linear filter of the grid's images and process; the first of several."""
        return next(iter(self.linear_filters), None)

    @property
    def step(self) -> int | None:
        """The endpoint's step: declared, else the last step of the longest training; None without records."""
        if isinstance(step := self.manifest.endpoint.step, int):
            return step
        steps = [r.training.get("steps") for arm in self.arms for r in arm.records]
        return max((s for s in steps if isinstance(s, int)), default=None)

    def draws(self, kind: DrawKind) -> list[Draw]:
        """How images were to be drawn: for the grid's own scores, for its sweep, or beyond its budget."""
        return drawn([self.manifest], kind)
