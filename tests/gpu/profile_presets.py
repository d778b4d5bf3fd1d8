"""The paper's presets on one GPU: ``python -m tests.gpu.profile_presets OUT``; S and M took 203 s on an H100.

float32, bfloat16, bfloat16 compiled and as a CUDA graph, sampling, and the official table's gradient checkpointing. One
process for all, so that torch is loaded once. OUT holds the records; `uvit report OUT` shows them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cli

PIXELS = {"uvit-s/2": "--image-size 32 --channels 3", "uvit-m/4": "--image-size 64 --channels 3"}
LATENTS = "--image-size 32 --channels 4 --num-classes 1000 --null-label"  # ImageNet 256
FAST = "--dtypes bfloat16 --cuda-graphs --measure-peak"


def commands() -> list[str]:
    """What `uvit profile` is asked for, in order; the quickest networks first."""
    found = []
    for preset, images in PIXELS.items():
        what = f"{preset} {images} --batch-sizes 128"
        found += [
            f"{what} --mode forward {FAST}",
            f"{what} --mode train {FAST} --compile",
            f"{what} --mode forward,train --dtypes float32 --rounds 5",
            f"{preset} {images} --mode sample --dtypes bfloat16 --batch-sizes 500 --nfe 50 --rounds 3",
        ]
    both = f"uvit-l/2 uvit-h/2 {LATENTS}"
    return [
        *found,
        f"{both} --batch-sizes 64 --mode forward {FAST}",
        f"{both} --batch-sizes 64 --mode forward --dtypes float32 --rounds 3",
        f"uvit-l/2 {LATENTS} --batch-sizes 64 --mode train --dtypes float32 --rounds 3",
        f"uvit-h/2 {LATENTS} --batch-sizes 64 --mode train --dtypes float32 --rounds 3",
        f"{both} --mode sample --dtypes bfloat16 --batch-sizes 500 --nfe 10 --rounds 2",
        f"uvit-h/2 {LATENTS} --batch-sizes 128 --mode train --dtypes bfloat16 --gradient-checkpointing",
        f"uvit-l/2 {LATENTS} --batch-sizes 64 --mode train {FAST} --compile",
        f"uvit-h/2 {LATENTS} --batch-sizes 64 --mode train {FAST} --compile",
    ]


def main(out: Path) -> int:
    """Run them all; the number of commands that had a failed row."""
    failed, started = 0, time.monotonic()
    for command in commands():
        print(f"\n== uvit profile {command}   ({time.monotonic() - started:.0f} s)", flush=True)
        failed += bool(cli.main(["profile", *command.split(), "--device", "cuda", "--out", str(out)]))
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
