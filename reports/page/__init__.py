"""``index.html``: one self-contained page a report. It opens from disk and loads nothing, by its own policy."""

from __future__ import annotations

from reports.page.compose import document

__all__ = ["document"]
