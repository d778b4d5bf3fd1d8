"""What the linear filter of a dataset leaves of the noise: ``python -m bench.linear_filter photos``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.data import load_dataset
from bench.diffusion import PROCESSES
from bench.linear_filter.losses import linear_filter
from bench.linear_filter.wiener import COLOURS
from results.linear_filter import LinearFilterRecord, in_bins
from results.store import Store


def main(arguments: Sequence[str]) -> int:
    """Print both tables, keep the record where asked to; the exit code, 2 where the request was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.linear_filter", description=__doc__.split("\n")[0])
    parser.add_argument("dataset", nargs="?", default="photos")
    parser.add_argument("--process", default="vp", help=" or ".join(PROCESSES.names()))
    parser.add_argument("--size", type=int, metavar="PIXELS", help="a smaller image size")
    parser.add_argument("--colours", choices=COLOURS, default="by frequency", help="where principal colours are taken")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the record in DIR/linear_filters")
    asked = parser.parse_args(arguments)
    try:
        dataset = load_dataset(asked.dataset, image_size=asked.size)
        record = linear_filter(dataset, PROCESSES.get(asked.process), colours=asked.colours)
        print("\n".join(lines(record)))
        if asked.out:
            print(f"kept in {Store(asked.out).write_linear_filter(record)}")
    except (ValueError, OSError) as error:
        print(f"linear_filter: {error}", file=sys.stderr)
        return 2
    return 0


def lines(record: LinearFilterRecord) -> Iterator[str]:
    """What a person reads: the losses by bin of val_loss, then by level."""
    yield (
        f"{record.dataset['name']}, {record.dataset['image_size']} pixels, process {record.process}: "
        f"{record.training_images:,} training and {record.held_out_images:,} held-out images, {record.wall_s:.1f} s"
    )
    yield f"basis: {record.basis}"
    yield "\neps-loss by bin of val_loss       1        2        3        4        5     mean"
    for name, losses in (("output = input", record.input_loss), ("linear filter", record.loss)):
        values = [*in_bins(losses), sum(losses) / record.levels]
        yield f"{name:<25}" + "".join(f"{value:>9.5f}" for value in values)
    yield "\nlevel      t   log-SNR   linear filter   output = input"
    for level, row in enumerate(zip(record.times, record.log_snr, record.loss, record.input_loss, strict=True), 1):
        t, log_snr, loss, input_loss = row
        yield f"{level:>5}  {t:.4f}  {log_snr:>8.3f}   {loss:>13.6f}   {input_loss:>14.6f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
