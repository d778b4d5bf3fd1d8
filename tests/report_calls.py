"""How often one full report asks for its verdicts and columns: ``python -m tests.report_calls [CHECKOUT …]``.

The report of results/published/photos-cpu is written by the code of each checkout; its functions ``compare`` and
``columns`` are counted wherever they stand under reports/.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COUNT = """
import collections, sys, tempfile
import reports
calls = collections.Counter()
def count(frame, event, arg):
    code = frame.f_code
    if event == "call" and code.co_name in ("compare", "columns") and "reports" in code.co_filename:
        calls[code.co_name] += 1
with tempfile.TemporaryDirectory() as out:
    sys.setprofile(count)
    reports.render("results/published/photos-cpu", out)
    sys.setprofile(None)
print(*(f"{name} {calls[name]}" for name in ("compare", "columns")), sep=", ")
"""


def main(folders: list[str]) -> None:
    for folder in folders or ["."]:
        root = Path(folder).resolve()
        environment = os.environ | {"PYTHONPATH": str(root)}
        done = subprocess.run(
            [sys.executable, "-c", COUNT], cwd=root, env=environment, capture_output=True, text=True, check=True
        )
        print(f"{root}: {done.stdout.strip()}")


if __name__ == "__main__":
    main(sys.argv[1:])
