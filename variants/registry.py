"""Named things of one kind: a duplicate raises, an unknown name suggests the nearest and lists the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """A mapping from names to values of one ``kind``, in order of registration.

    ``discover`` are functions that register more entries; each runs once, in order, before the registry is first used,
    so that folders and entry points are read only when somebody asks.
    """

    def __init__(self, kind: str, *, discover: tuple[Callable[[], None], ...] = ()) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        self._pending = list(discover)
        self._discovering = False

    def discover(self, register_more: Callable[[], None]) -> None:
        """Run ``register_more`` as well, once, before the registry is next used."""
        self._pending.append(register_more)

    def register(self, name: str, value: T) -> T:
        """Add ``value`` under ``name`` and return it; raises ValueError when the name is taken."""
        self._discover()
        if name in self._entries:
            raise ValueError(f"{self.kind} '{name}' is already registered; choose another name")
        self._entries[name] = value
        return value

    def get(self, name: str) -> T:
        """The value called ``name``; raises ValueError with the nearest name and all known ones."""
        self._discover()
        if name not in self._entries:
            raise ValueError(unknown(self.kind, name, self.names()))
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, in order of registration."""
        self._discover()
        return list(self._entries)

    def items(self) -> list[tuple[str, T]]:
        """All pairs of name and value, in order of registration."""
        self._discover()
        return list(self._entries.items())

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def _discover(self) -> None:
        if self._discovering:  # a discoverer registers what it finds
            return
        self._discovering = True
        try:
            while self._pending:
                self._pending[0]()
                self._pending.pop(0)
        finally:
            self._discovering = False


def unknown(kind: str, name: str, known: list[str]) -> str:
    """The message for a name that is not among ``known``."""
    near = get_close_matches(str(name), known, n=1)
    suggestion = f"did you mean '{near[0]}'? " if near else ""
    return f"unknown {kind} '{name}'; {suggestion}known: {', '.join(known) or 'none'}"
