"""The name of a variant: a preset and options, as text (``uvit-s/2+skip=add``) and as an object."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PRESET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)?")
_AXIS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VALUE = re.compile(r"[A-Za-z0-9_.-]+")
_FORM = "write PRESET+AXIS=OPTION…, for example uvit-s/2+skip=add"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A preset and ``(axis, option)`` pairs, in the order in which they were written.

    Only the form is checked here (ValueError); whether the names exist is known when the variant is resolved.
    """

    preset: str
    options: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not _PRESET.fullmatch(self.preset):
            raise ValueError(f"'{self.preset}' is not the name of a preset; {_FORM}")
        for axis, value in self.options:
            if not (_AXIS.fullmatch(axis) and _VALUE.fullmatch(value)):
                raise ValueError(f"'{axis}={value}' is not AXIS=OPTION; {_FORM}")
        axes = [axis for axis, _ in self.options]
        for axis in axes:
            if axes.count(axis) > 1:
                raise ValueError(f"axis '{axis}' is given twice in '{self}'; keep one option")

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Read the text form; ``Spec.parse(str(spec)) == spec``."""
        preset, *parts = text.split("+")
        for part in parts:
            if part.count("=") != 1:
                raise ValueError(f"'{part}' in variant '{text}' is not AXIS=OPTION; {_FORM}")
        pairs = [part.split("=") for part in parts]
        return cls(preset=preset, options=tuple((axis, value) for axis, value in pairs))

    def __str__(self) -> str:
        return "+".join([self.preset, *(f"{axis}={value}" for axis, value in self.options)])


def as_spec(variant: str | Spec) -> Spec:
    """``variant`` as a Spec, from either form."""
    if isinstance(variant, Spec):
        return variant
    if isinstance(variant, str):
        return Spec.parse(variant)
    raise ValueError(f"a variant is text or a Spec, not {type(variant).__name__}; {_FORM}")
