"""``python -m tests.frozen reports``: write the hashes of the reports anew, for a commit that changes what they say.

``python -m tests.frozen ids`` adds the ids of new grids and budgets; it refuses to change one that stands there.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.frozen.ids import budget_ids, sections
from tests.frozen.reports import ROOT, folders, report_hashes

FOLDER = Path(__file__).parent


def read(name: str) -> dict[str, Any]:
    """The fixture ``name``; empty before it is first written."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def write(name: str, content: dict[str, Any]) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


WHOLE = ("hashed",)  # what ids are taken of: not a key more


def added(known: Any, found: Any, where: str = "") -> Any:
    """``found``, which may hold more keys than ``known`` but nothing else in their place; ValueError otherwise.

    So a section may gain a field, as long as what is hashed of it (`WHOLE`) stays as it is.
    """
    if isinstance(known, dict) and isinstance(found, dict) and not where.endswith(WHOLE):
        return {
            key: added(known[key], found.get(key), f"{where}/{key}") if key in known else found[key]
            for key in {**known, **found}
        }
    if known != found:
        raise ValueError(f"{where}: {known!r} would become {found!r}; ids never change their meaning")
    return found


def main(what: str) -> None:
    os.chdir(ROOT)
    if what == "reports":
        with tempfile.TemporaryDirectory() as out:
            write("reports", {name: report_hashes(name, Path(out) / name) for name in folders()})
    elif what == "ids":
        found = {"sections": sections()}
        found["ids"] = {budget: budget_ids(budget) for budget in found["sections"]}
        for name, content in found.items():
            write(name, added(read(name), content))
    else:
        raise SystemExit("expected `reports` or `ids`")


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
