"""How fast every sampler converges where the answer is known: ``python -m bench.diffusion.convergence``.

The report of `study`, and on request its plot.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from bench.diffusion.convergence.study import COUNTS, USUAL, all_studies, report


def main(arguments: Sequence[str]) -> int:
    """Print the report and draw the plot; the exit code, 2 where no order can be measured between the counts."""
    parser = argparse.ArgumentParser(prog="python -m bench.diffusion.convergence", description=__doc__.split("\n")[0])
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, metavar="N", help="evaluations, rising")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the errors as well, to .png, .svg or .pdf")
    asked = parser.parse_args(arguments)
    counts = asked.counts
    if len(counts) < 2 or counts[0] < 1 or any(n1 >= n2 for n1, n2 in pairwise(counts)):
        print(f"convergence: --counts takes at least two rising numbers from 1 on, got {counts}", file=sys.stderr)
        return 2
    early = all_studies(counts)
    print(report(early, all_studies(USUAL, early=False)))
    if asked.plot:
        from bench.diffusion.convergence.plot import draw  # matplotlib takes its time

        draw(early, asked.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
