"""Text from records on its way out: it may hold anything, so each form of output escapes it."""

from __future__ import annotations

import re

_EMPHASIS = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")  # one inside a word is an underscore anyhow
_MARKDOWN = {character: f"\\{character}" for character in "\\`*[]|~#"} | {
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "@": "&#64;",  # mentions
    "$": "&#36;",  # mathematics
}


def plain(text: str, *, limit: int = 300) -> str:
    """One printable line: line breaks to spaces, control and bidirectional characters out, cut at ``limit``."""
    line = " ".join("".join(c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def markdown(text: str, *, limit: int = 300) -> str:
    """``text`` as literal text inside a line of Markdown or a table's cell: no markup, HTML, mention or link."""
    escaped = "".join(_MARKDOWN.get(character, character) for character in plain(text, limit=limit))
    return _EMPHASIS.sub(r"\\_", escaped).replace("://", "&#58;//").replace("www.", "www&#46;")


def steps(count: int | None) -> str:
    """A number of steps with thousands separators."""
    return "unknown" if count is None else f"{count:,}"


def plural(count: int, word: str) -> str:
    """``1 cell``, ``2 cells``."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def quoted(name: str) -> str:
    """An arm's name inside a sentence."""
    return "'none'" if name == "none" else name  # else it reads as "no arm"
