"""The output folder: records, grid manifests, and the one way in which a file is written.

``DIR/records/<train_id>.json`` · ``DIR/repeats/<train_id>-<repeat>.json`` · ``DIR/grids/<grid>.json`` ·
``DIR/profiles/<profile_id>.json`` · ``DIR/cka/<cka_id>.json`` · ``DIR/neighbours/<neighbours_id>.json`` ·
``DIR/linear_filters/<linear_filter_id>.json`` · ``DIR/calibrations/<calibration_id>.json``.
Many processes and machines may write one folder: each file has one writer at a time and appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from results.calibration import CalibrationRecord
from results.cka import CkaRecord
from results.linear_filter import LinearFilterRecord
from results.manifest import Manifest
from results.neighbours import NeighboursRecord
from results.profile import ProfileRecord
from results.record import Record, cell_name
from results.schema import NewerSchema, Stored, dumps, is_id

log = logging.getLogger("uvit")
T = TypeVar("T")
S = TypeVar("S", bound=Stored)

_GRID_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Store:
    """One output folder. Nothing is created before the first write."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))

    def write(self, record: Record) -> Path:
        """Write a cell's record, replacing an earlier one whole; a repeat's lies apart from those of seeds.

        Raises OSError when the disk cannot take it.
        """
        return write_bytes(self.record_path(record.train_id, record.repeat), record.to_json().encode())

    def read(self, train_id: str, repeat: int = 0) -> Record | None:
        """The record of a cell; None where there is none or, with a warning, where it is damaged: run it again.

        Raises ValueError for a record of a later schema, which must not be overwritten.
        """
        path = self.record_path(train_id, repeat)
        try:
            return _read_repeat(path) if repeat else _read_record(path)
        except FileNotFoundError:
            return None
        except NewerSchema:
            raise
        except ValueError as error:
            log.warning("damaged record, the cell counts as not run: %s", error)
            return None

    def records(self) -> tuple[list[Record], list[str]]:
        """All readable records, by id, and one line for each file that is damaged."""
        return _read_all(self.root / "records", _read_record)

    def repeats(self) -> tuple[list[Record], list[str]]:
        """All readable records of repeats, by id and number, and one line for each file that is damaged."""
        return _read_all(self.root / "repeats", _read_repeat)

    def write_grid(self, name: str, manifest: Manifest) -> Path:
        """Write what reports know of a grid. Raises ValueError for an unsafe name."""
        return write_bytes(self.grid_path(name), manifest.to_json().encode())

    def grids(self) -> dict[str, Manifest]:
        """Readable manifests by name; a damaged one is named in a warning and left out."""
        grids, problems = self.read_grids()
        for problem in problems:
            log.warning("damaged grid manifest, left out: %s", problem)
        return grids

    def read_grids(self) -> tuple[dict[str, Manifest], list[str]]:
        """Readable manifests by file name, and one line for each that is damaged."""
        pairs, problems = _read_all(self.root / "grids", _read_manifest)
        return dict(pairs), problems

    def write_profile(self, record: ProfileRecord) -> Path:
        """Write a profile, replacing an earlier one of the same id whole.

        Raises ValueError where that one is of a later schema, OSError when the disk cannot take it.
        """
        return _replace(self.root / "profiles" / f"{record.profile_id}.json", record, _read_profile)

    def profiles(self) -> tuple[list[ProfileRecord], list[str]]:
        """All readable profiles, by id, and one line for each file that is damaged."""
        return _read_all(self.root / "profiles", _read_profile)

    def write_cka(self, record: CkaRecord) -> Path:
        """Write a representation analysis, replacing an earlier one of the same id whole; raises as `write_profile`."""
        return _replace(self.root / "cka" / f"{record.cka_id}.json", record, _read_cka)

    def cka(self) -> tuple[list[CkaRecord], list[str]]:
        """All readable representation analyses, by id, and one line for each file that is damaged."""
        return _read_all(self.root / "cka", _read_cka)

    def write_neighbours(self, record: NeighboursRecord) -> Path:
        """Write a search for copies, replacing an earlier one of the same id whole; raises as `write_profile`."""
        return _replace(self.root / "neighbours" / f"{record.neighbours_id}.json", record, _read_neighbours)

    def neighbours(self) -> tuple[list[NeighboursRecord], list[str]]:
        """All readable searches for copies, by id, and one line for each file that is damaged."""
        return _read_all(self.root / "neighbours", _read_neighbours)

    def write_linear_filter(self, record: LinearFilterRecord) -> Path:
        """Write a dataset's linear filter, replacing an earlier one of the same id whole; raises as `write_profile`."""
        return _replace(self.root / "linear_filters" / f"{record.linear_filter_id}.json", record, _read_linear_filter)

    def linear_filters(self) -> tuple[list[LinearFilterRecord], list[str]]:
        """All readable linear filters, by id, and one line for each file that is damaged."""
        return _read_all(self.root / "linear_filters", _read_linear_filter)

    def write_calibration(self, record: CalibrationRecord) -> Path:
        """Write a budget's calibration, replacing an earlier one of the same id whole; raises as `write_profile`."""
        return _replace(self.root / "calibrations" / f"{record.calibration_id}.json", record, _read_calibration)

    def calibrations(self) -> tuple[list[CalibrationRecord], list[str]]:
        """All readable calibrations, by id, and one line for each file that is damaged."""
        return _read_all(self.root / "calibrations", _read_calibration)

    def write_calibration_plan(self, plan: Manifest) -> Path:
        """Write what a calibration runs, replacing an earlier one of its budget. Raises ValueError for an unsafe name.

        Apart from the grids: what calibration seeds say is no verdict, and reports read none of it.
        """
        return write_bytes(self._plan_path(plan.budget), plan.to_json().encode())

    def calibration_plan(self, budget: str) -> Manifest | None:
        """What was planned to calibrate ``budget``; None where nothing was, or where the file is damaged."""
        path = self._plan_path(budget)
        try:
            return Manifest.from_json(path.read_bytes(), where=_name(path))
        except FileNotFoundError:
            return None
        except NewerSchema:
            raise
        except ValueError as error:
            log.warning("damaged plan, made anew: %s", error)
            return None

    def _plan_path(self, budget: str) -> Path:
        return self.root / "calibrations" / "plans" / self.grid_path(budget).name

    def record_path(self, train_id: str, repeat: int = 0) -> Path:
        """Where a cell's record lies. Raises ValueError unless the id is 12 to 64 hex digits."""
        if not is_id(train_id):
            raise ValueError(f"train_id: expected 12 to 64 lower-case hex digits, got {train_id!r}")
        return self.root / ("repeats" if repeat else "records") / f"{cell_name(train_id, repeat)}.json"

    def grid_path(self, name: str) -> Path:
        """Where a grid's manifest lies. Raises ValueError unless the name is letters, digits, '_' and '-'."""
        if not isinstance(name, str) or not _GRID_NAME.fullmatch(name):
            raise ValueError(f"grid name: expected letters, digits, '_' and '-', got {name!r}: rename the grid's file")
        return self.root / "grids" / f"{name}.json"


def write_json(path: Path, value: Any) -> Path:
    """Write ``value`` as JSON, whole or not at all."""
    return write_bytes(path, dumps(value).encode())


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all: temporary file in the same folder, fsync, rename, fsync of the folder.

    Makes the folder where needed. Raises OSError that names ``path``; the temporary file is gone then, and an
    earlier file stands as it was.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path.parent) as (temporary, handle):
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    return path


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[tuple[Path, int]]:
    # not tempfile: its files are private to the user (0600), and the record keeps the mode after the rename
    temporary = folder / f".tmp-{os.getpid()}-{secrets.token_hex(6)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        yield temporary, handle
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` last: a rename or a new file is on the disk once this returns."""
    if os.name == "nt":
        return  # a folder cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(path: Path, record: Stored, read: Callable[[Path], Any]) -> Path:
    """Write ``record``, unless a whole one of a later schema stands there: then its NewerSchema is raised."""
    try:
        read(path)
    except NewerSchema:
        raise
    except (FileNotFoundError, ValueError):
        pass
    return write_bytes(path, record.to_json().encode())


def _read_all(folder: Path, read: Callable[[Path], T]) -> tuple[list[T], list[str]]:
    items, problems = [], []
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith("."):
            continue
        try:
            items.append(read(path))
        except ValueError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{_name(path)}: cannot be read ({error.strerror})")
    return items, problems


def _reader(kind: type[S], key: str) -> Callable[[Path], S]:
    """What reads a file of ``kind``; ValueError unless it is named by its own field ``key``."""

    def read(path: Path) -> S:
        record = kind.from_json(path.read_bytes(), where=_name(path))
        own = getattr(record, key)
        if own != path.stem:
            raise ValueError(f"{_name(path)}: {key}: expected the file's own name, got {own}")
        return record

    return read


_read_seed = _reader(Record, "train_id")
_read_repeat = _reader(Record, "name")
_read_profile = _reader(ProfileRecord, "profile_id")
_read_cka = _reader(CkaRecord, "cka_id")
_read_neighbours = _reader(NeighboursRecord, "neighbours_id")
_read_linear_filter = _reader(LinearFilterRecord, "linear_filter_id")
_read_calibration = _reader(CalibrationRecord, "calibration_id")


def _read_record(path: Path) -> Record:
    record = _read_seed(path)
    if record.repeat:
        raise ValueError(f"{_name(path)}: repeat: expected 0, got {record.repeat}: a repeat's record lies in repeats/")
    return record


def _read_manifest(path: Path) -> tuple[str, Manifest]:
    manifest = Manifest.from_json(path.read_bytes(), where=_name(path))
    if not _GRID_NAME.fullmatch(path.stem):  # it becomes the name of tables and plots
        raise ValueError(f"{_name(path)}: expected a file name of letters, digits, '_' and '-'")
    return path.stem, manifest


def _name(path: Path) -> str:
    # for messages: a name from a foreign file system may hold anything, so it is quoted where it is not plain
    name = path.name if path.name.isprintable() else ascii(path.name)
    return f"{path.parent.name}/{name}"
