"""Text from records as literal LaTeX: it is set as text and runs nothing, with any engine and no packages."""

from __future__ import annotations

import unicodedata

from reports.text import plain

_ACTIVE = {
    **{character: f"\\{character}" for character in "{}$&#_%"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "'": r"\char39{}",
    "`": r"\char96{}",
    "[": "{[}",  # after a row's end it would be read as the row's option
    "*": "{*}",
}
_SIGNS = {
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "→": r"$\rightarrow$",
    "∞": r"$\infty$",
    "½": r"$\frac12$",
    "–": "--",
    "—": "---",
    "…": r"\dots{}",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "§": r"\S{}",
    "°": r"$^\circ$",
    "Δ": r"$\Delta$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "ε": r"$\epsilon$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "µ": r"$\mu$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
    "χ": r"$\chi$",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "ø": r"\o{}",
    "⁻": "$^-$",
    "ₘ": "$_m$",
    "ₛ": "$_s$",
    "‘": "`{}",
    "’": "'{}",
    "“": "``{}",
    "”": "''{}",
    **{sign: f"$^{digit}$" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{sign: f"$_{digit}$" for digit, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}
_DASHES = ("-", "–", "—")
_ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0327", "`'^~\"rvc", strict=True))


def escape(text: str, *, limit: int = 300) -> str:
    """``text`` as literal text of one line. A letter that TeX fonts lack becomes its code point, as ``[U+65E5]``."""
    parts, before = [], ""
    for character in plain(text, limit=limit):
        apart = "{}" if before in _DASHES and character in _DASHES else ""  # else TeX would join them to one dash
        parts.append(apart + _sign(character))
        before = character
    return "".join(parts)


def _sign(character: str) -> str:
    if character in _ACTIVE:
        return _ACTIVE[character]
    if character.isascii():
        return character
    if character in _SIGNS:
        return _SIGNS[character]
    parts = list(unicodedata.normalize("NFD", character))
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS:
        return f"\\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"{{[}}U+{ord(character):04X}]"
