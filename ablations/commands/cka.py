"""``uvit cka``: how alike the blocks of trained cells are, as records in the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ablations.commands.cells import find_cells, names
from ablations.commands.plugins import with_plugins
from ablations.commands.requests import CkaRequest
from bench.machine.runtime import applied_runtime
from bench.trained.cka import CkaProtocol, block_similarity
from bench.trained.trained_cell import dataset_of, load_trained
from results.cka import CkaRecord
from results.store import Store

TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)


@with_plugins
def measure_cka(request: CkaRequest) -> Iterator[tuple[Path, CkaRecord]]:
    """Measure each cell and write its record; yields them with their output folder as they come.

    They go to ``out``, else to the output folder that the first cell lies in, else to ``runs/cka``.
    Raises ValueError where the request is wrong, before anything is measured as far as that can be known.
    """
    protocol = CkaProtocol(times=_times(request.times), images=request.images, batch_size=request.batch)
    cells = find_cells(request.cells, arms=names(request.arms), seed=request.seed)
    root = request.out or cells[0].root or Path("runs/cka")
    runtime = applied_runtime(device=request.device, precision=request.precision)
    store = Store(root)
    for number, asked in enumerate(cells):
        cell = load_trained(asked.checkpoint, weights=request.weights, runtime=runtime)
        dataset = dataset_of(cell, name=request.dataset, data_dir=request.data_dir)
        tell = _progress(f"[{number + 1}/{len(cells)}] {cell.variant} seed {cell.header.seed}")
        record = block_similarity(cell, dataset, protocol, progress=tell)
        store.write_cka(record)
        yield root, record


def _times(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text.strip() else TIMES
    except ValueError:
        raise ValueError(f"--t: expected numbers between 0 and 1 separated by commas, got {text!r}") from None


def _progress(what: str) -> Callable[[int], None]:
    """One line a cell, and one more every ten seconds."""
    import time

    print(what, file=sys.stderr, flush=True)
    told = time.monotonic()

    def progress(done: int) -> None:
        nonlocal told
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(f"{what}: {done:,} noisy images", file=sys.stderr, flush=True)

    return progress
