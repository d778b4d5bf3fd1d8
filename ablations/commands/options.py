"""How the field of a request carries its option: type, default, help, and the flag where it is not the field's name.

Standard library only, as `ablations.commands.requests`: help imports both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, dataclass_transform, get_args, get_origin, get_type_hints

T = TypeVar("T")


def option(help: str, *, default: Any = MISSING, flag: str = "") -> Any:
    """A field that is an option; without a default it must be given. ``flag`` where the field's name is another."""
    return field(default=default, metadata={"help": help, "flag": flag})


def argument(help: str, *, default: Any = MISSING) -> Any:
    """A field that the command line takes by its place."""
    return field(default=default, metadata={"help": help})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(option, argument))
def request(cls: type[T]) -> type[T]:
    """A class of options and arguments as a frozen, keyword-only dataclass."""
    cls.__post_init__ = _text_to_paths  # type: ignore[attr-defined]
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


def _text_to_paths(request: Any) -> None:
    """Text where a path belongs becomes one, as on the command line."""
    for name, hint in get_type_hints(type(request)).items():
        value = getattr(request, name)
        if isinstance(value, str) and hint in (Path, Path | None):
            object.__setattr__(request, name, Path(value))
        elif hint == Sequence[Path] and not isinstance(value, str):
            object.__setattr__(request, name, tuple(Path(each) for each in value))


class OptionSpec(NamedTuple):
    """One field of a request as a command line takes it; ``flag`` is empty for an argument."""

    name: str
    kind: Any  # a sequence is a list, whose option is repeatable
    default: Any  # MISSING where it must be given
    help: str
    flag: str


def options_of(kind: type) -> Iterator[OptionSpec]:
    """The options and arguments of the request class ``kind``, in order."""
    hints = get_type_hints(kind)
    for each in fields(kind):
        hint = hints[each.name]
        flag = _flag(each.name, each.metadata["flag"], hint) if "flag" in each.metadata else ""
        yield OptionSpec(each.name, _as_list(hint), each.default, each.metadata["help"], flag)


def _flag(name: str, flag: str, hint: Any) -> str:
    """``--name``; for a choice that may also be left open, ``--name/--no-name``."""
    own = flag or f"--{name.replace('_', '-')}"
    return f"{own}/--no-{own[2:]}" if hint == (bool | None) else own


def _as_list(hint: Any) -> Any:
    return list[get_args(hint)[0]] if get_origin(hint) is Sequence else hint  # type: ignore[misc]
