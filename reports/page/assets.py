"""Template, style and scripts of the page, and the policy that lets these run and nothing else load."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_SCRIPTS = ("dom.js", "scales.js", "frame.js", "charts.js", "legend.js", "tables.js", "cards.js", "page.js")

# what would end a script element or a line of JavaScript, written as JSON escapes
_UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


@cache
def _read(name: str) -> str:
    return resources.files("reports.page").joinpath(name).read_text(encoding="utf-8")


@cache
def style() -> str:
    """The style sheet."""
    return _read("page.css")


@cache
def script() -> str:
    """All scripts as one, in a scope of their own."""
    return '"use strict";\n(() => {\n' + "\n".join(_read(name) for name in _SCRIPTS) + "})();\n"


def policy() -> str:
    """Content-Security-Policy: nothing loads; this very style and script, and pictures inside the page, are let in."""
    return (
        f"default-src 'none'; img-src data:; style-src {_digest(style())}; script-src {_digest(script())}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def embed(value: Any) -> Markup:
    """``value`` as JSON that may stand inside a script element, whatever its texts hold."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_UNSAFE))


@cache
def environment() -> Environment:
    """Jinja with automatic escaping; an undefined name is an error."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["json"] = embed
    return made


def markup(text: str) -> Markup:
    """``text`` of this package as it stands, unescaped."""
    from markupsafe import Markup

    return Markup(text)
