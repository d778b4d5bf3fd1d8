"""WHAT was found: records, their store, the table of metrics, and the paper's own figures. Imports no torch."""

from __future__ import annotations

from results.frame import load
from results.record import Record, Score
from results.schema import SCHEMA
from results.store import Store

__all__ = ["SCHEMA", "Record", "Score", "Store", "load"]
