"""Where axes come from: the folder ``variants/axes``, the entry-point group ``uvit.plugins`` and users' own files.

Families of networks come from ``variants/baselines``, or from a plugin.

One convention serves all three: a module that defines ``AXIS`` adds that axis. A plugin may also call any registry
(``variants.PRESETS.register(…)``) while it is imported.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import pkgutil
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from variants.axis import AXES, Axis
from variants.families import FAMILIES

GROUP = "uvit.plugins"
_loaded: dict[Path, str] = {}
_loaded_points: set[str] = set()


def scan_axes() -> None:
    """Register the axis of every module in ``variants/axes``."""
    for module in _modules("variants.axes"):
        AXES.register(module.AXIS.name, module.AXIS)


def scan_families() -> None:
    """Register the family of every module in ``variants/baselines``, U-ViT's first."""
    families = [module.FAMILY for module in _modules("variants.baselines")]
    for family in sorted(families, key=lambda family: family.name != "uvit"):
        FAMILIES.register(family.name, family)


def _modules(package: str) -> list[ModuleType]:
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return [importlib.import_module(f"{package}.{name}") for name in sorted(module.name for module in found)]


def load_entry_points() -> None:
    """Register what installed packages offer in the group ``uvit.plugins`` (a module, or an Axis)."""
    for point in entry_points(group=GROUP):
        if point.value in _loaded_points:
            continue
        try:
            _register(point.load())
        except Exception as error:
            raise ValueError(f"plugin '{point.value}' (entry point {point.name}) failed: {_text(error)}") from error
        _loaded_points.add(point.value)


AXES.discover(scan_axes)
AXES.discover(load_entry_points)
FAMILIES.discover(scan_families)


def load_plugin(path: str | Path) -> ModuleType:
    """Import a user's file and register its ``AXIS``; loading the same file again changes nothing.

    Raises ValueError (FileNotFoundError where the file is missing) with the reason when it cannot be loaded.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise FileNotFoundError(f"no plugin file at {file}; give the path of a Python file")
    name = f"uvit_plugin_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    if file in _loaded:
        return sys.modules[name]
    AXES.names()  # the built-in names come first, so that a clash is the plugin's fault
    module = _import(file, name)
    _loaded[file] = hashlib.sha256(file.read_bytes()).hexdigest()
    return module


def loaded_plugins() -> dict[str, str]:
    """The files loaded so far and the SHA-256 of their content, for provenance."""
    return {str(file): digest for file, digest in _loaded.items()}


def _import(file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_loader(name, importlib.machinery.SourceFileLoader(name, str(file)))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # classes of the plugin can then be pickled
    try:
        spec.loader.exec_module(module)
        _register(module)
    except Exception as error:
        del sys.modules[name]
        raise ValueError(f"plugin {file} failed: {_text(error)}") from error
    return module


def _register(found: object) -> None:
    axis = found if isinstance(found, Axis) else getattr(found, "AXIS", None)
    if axis is None:
        return
    if not isinstance(axis, Axis):
        raise ValueError(f"AXIS must be a variants.Axis, not {type(axis).__name__}")
    AXES.register(axis.name, axis)


def _text(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
