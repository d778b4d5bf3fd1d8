"""From output folders to views: records and manifests read, joined by cell, and grouped by grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from reports.views.asked import plain_record, swept
from reports.views.grid import ArmView, CellView, GridView
from reports.views.references import calibrations_of, linear_filters_of, planned
from results.calibration import CalibrationRecord
from results.cka import CkaRecord
from results.frame import Dirs, output_folders
from results.linear_filter import LinearFilterRecord
from results.manifest import Manifest, ManifestArm
from results.neighbours import NeighboursRecord
from results.profile import ProfileRecord
from results.record import Record
from results.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was found in the output folders."""

    grids: list[GridView]
    loose: list[Record]  # cells of no grid
    problems: list[str]
    profiles: list[ProfileRecord] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    cka: list[CkaRecord] = field(default_factory=list)
    neighbours: list[NeighboursRecord] = field(default_factory=list)
    linear_filters: list[LinearFilterRecord] = field(default_factory=list)
    calibrations: list[CalibrationRecord] = field(default_factory=list)


def find(dirs: Dirs) -> Findings:
    """Read the folders. Damaged files are named in ``problems``; a missing or empty folder raises ValueError."""
    folders = output_folders(dirs)
    read = _Read()
    for folder in folders:
        read.add(folder)
    grids = [_view(name, title, same, read) for name, title, same in _group(read.manifests)]
    used = {cell.train_id for grid in grids for cell in grid.cells}
    if not any((read.records, grids, read.profiles, read.cka, read.neighbours, read.linear_filters, read.calibrations)):
        raise ValueError(f"{folders[0]}: every record there is damaged; the first: {read.problems[0]}")
    return Findings(
        grids=grids,
        loose=[record for train_id, record in read.records.items() if train_id not in used],
        problems=read.problems,
        profiles=list(read.profiles.values()),
        folders=folders,
        cka=list(read.cka.values()),
        neighbours=list(read.neighbours.values()),
        linear_filters=list(read.linear_filters.values()),
        calibrations=list(read.calibrations.values()),
    )


@dataclass(slots=True)
class _Read:
    """What the folders hold, by id: what stands in several of them counts once."""

    records: dict[str, Record] = field(default_factory=dict)
    profiles: dict[str, ProfileRecord] = field(default_factory=dict)
    cka: dict[str, CkaRecord] = field(default_factory=dict)
    neighbours: dict[str, NeighboursRecord] = field(default_factory=dict)
    linear_filters: dict[str, LinearFilterRecord] = field(default_factory=dict)
    calibrations: dict[str, CalibrationRecord] = field(default_factory=dict)
    manifests: list[tuple[Path, str, Manifest]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, folder: Path) -> None:
        store = Store(folder)
        records, damaged = store.records()
        grids, damaged_grids = store.read_grids()
        profiles, damaged_profiles = store.profiles()
        cka, damaged_cka = store.cka()
        neighbours, damaged_neighbours = store.neighbours()
        linear_filters, damaged_filters = store.linear_filters()
        calibrations, damaged_calibrations = store.calibrations()
        for lines in (damaged, damaged_grids, damaged_profiles, damaged_cka, damaged_neighbours,
                      damaged_filters, damaged_calibrations):  # fmt: skip
            self.problems += [f"{folder}: {problem}" for problem in lines]
        self.profiles |= {record.profile_id: record for record in profiles}
        self.cka |= {record.cka_id: record for record in cka}
        self.neighbours |= {record.neighbours_id: record for record in neighbours}
        self.linear_filters |= {record.linear_filter_id: record for record in linear_filters}
        self.calibrations |= {record.calibration_id: record for record in calibrations}
        for record in records:
            self.records[record.train_id] = _better(self.records.get(record.train_id), record)
        self.manifests += [(folder, name, manifest) for name, manifest in grids.items()]


def _better(known: Record | None, new: Record) -> Record:
    """Of two records of one cell: the one that ended, then the one with more scores."""
    if known is None:
        return new
    return max(known, new, key=lambda r: (r.survived, len(r.scores)))


def _group(manifests: list[tuple[Path, str, Manifest]]) -> Iterable[tuple[str, str, list[Manifest]]]:
    """Manifests of one grid from several folders together, those that only share a name apart."""
    groups: dict[tuple[str, object], list[tuple[Path, Manifest]]] = {}
    for folder, name, manifest in manifests:
        groups.setdefault((name, _signature(manifest)), []).append((folder, manifest))
    seen: dict[str, int] = {}
    for (name, _), members in groups.items():
        seen[name] = seen.get(name, 0) + 1
        shared = sum(other == name for other, _ in groups) > 1
        title = f"{name} ({members[0][0]})" if shared else name
        yield (name if seen[name] == 1 else f"{name}-{seen[name]}"), title, [manifest for _, manifest in members]


def _signature(manifest: Manifest) -> tuple[object, ...]:
    """Grids that agree in this are one grid."""
    chosen = (manifest.endpoint.metric, manifest.endpoint.weights, manifest.endpoint.step)
    return (manifest.baseline, manifest.reference, manifest.budget, manifest.dataset, manifest.preset, *chosen)


def _view(name: str, title: str, manifests: list[Manifest], read: _Read) -> GridView:
    first, records, profiles = planned(manifests), read.records, list(read.profiles.values())
    arms: dict[str, ManifestArm] = {}
    cells: dict[str, dict[str, int]] = {}  # arm -> train_id -> seed
    for manifest in manifests:
        for arm in manifest.arms:
            arms.setdefault(arm.arm, arm)
            cells.setdefault(arm.arm, {}).update({cell.train_id: cell.seed for cell in arm.cells})
    views = []
    for arm in arms.values():
        seeds = sorted(cells[arm.arm].items(), key=lambda item: (item[1], item[0]))
        views.append(
            ArmView(
                name=arm.arm,
                variant=arm.variant,
                formula=arm.formula,
                cells=tuple(_cell(seed, t, records.get(t), manifests) for t, seed in seeds),
                is_baseline=arm.arm == (f"{arm.block}/{first.baseline}" if arm.block else first.baseline),
                block=arm.block,
                profiles=_same_network(arm.variant, [records[t] for t, _ in seeds if t in records], profiles),
                sizes=dict(arm.sizes or {}),
            )
        )
    return GridView(
        name=name,
        title=title,
        manifest=first,
        arms=tuple(views),
        linear_filters=linear_filters_of(views, read.linear_filters.values()),
        calibrations=calibrations_of(first, views, read.calibrations.values()),
    )


def _cell(seed: int, train_id: str, record: Record | None, manifests: list[Manifest]) -> CellView:
    if record is None:
        return CellView(seed=seed, train_id=train_id, record=None)
    return CellView(
        seed=seed, train_id=train_id, record=plain_record(record, manifests), swept=swept(record, manifests)
    )


def _same_network(variant: str, cells: list[Record], profiles: list[ProfileRecord]) -> tuple[ProfileRecord, ...]:
    """Profiles of an arm's network. A variant's text leaves images and classes open; its sizes do not."""
    sizes = {(cell.params, cell.macs) for cell in cells}
    return tuple(
        profile
        for profile in profiles
        if profile.variant == variant
        and (not sizes or (profile.counts.get("params"), profile.counts.get("macs")) in sizes)
    )


def arms_of(manifests: Iterable[Manifest]) -> dict[str, str]:
    """The name of the arm that each cell belongs to, by train_id."""
    return {cell.train_id: arm.arm for manifest in manifests for arm in manifest.arms for cell in arm.cells}
