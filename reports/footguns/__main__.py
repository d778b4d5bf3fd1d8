"""Draw the plots of docs/footguns.md."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from reports.footguns import published
from reports.footguns.plots import draw
from results.store import write_bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one PNG a footgun; exit code 2 where the records are not there."""
    parser = argparse.ArgumentParser(prog="python -m reports.footguns", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where the plots go")
    parser.add_argument(
        "--records", type=Path, default=Path("results/published/photos-cpu"), help="the published grid skip"
    )
    chosen = parser.parse_args(arguments)
    try:
        grid = published.grid(chosen.records)
    except ValueError as error:
        parser.error(str(error))
    for name, content in draw(grid).items():
        print(write_bytes(chosen.out / name, content))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
