"""``uvit neighbours``: samples of trained cells beside their nearest training images, as records and sheets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from ablations.commands.cells import find_cells, names
from ablations.commands.plugins import with_plugins
from ablations.commands.requests import NeighboursRequest
from bench.cell.scoring import extractor_for
from bench.latents.decoder import pictures_of
from bench.machine.runtime import applied_runtime
from bench.trained.drawing import Drawing, check_fits
from bench.trained.neighbours import Neighbours, NeighbourSearch, training_neighbours
from bench.trained.trained_cell import dataset_of, load_trained
from results.contact_sheets import contact_sheet
from results.neighbours import NeighboursRecord
from results.store import Store


@with_plugins
def find_neighbours(request: NeighboursRequest) -> Iterator[tuple[Path, NeighboursRecord]]:
    """Search for each cell and write its record and sheet; yields records with their output folder as they come.

    They go to ``out``, else to the output folder that the first cell lies in, else to ``runs/neighbours``. Raises
    ValueError where the request is wrong, before anything is drawn as far as that can be known.
    """
    drawing = _drawing(request)
    cells = find_cells(request.cells, arms=names(request.arms), seed=request.seed)
    root = request.out or cells[0].root or Path("runs/neighbours")
    runtime = applied_runtime(device=request.device, precision=request.precision)
    extractor = extractor_for(request.extractor, runtime.device, request.extractor_weights)
    for number, asked in enumerate(cells):
        cell = load_trained(asked.checkpoint, weights=request.weights, runtime=runtime)
        check_fits(cell.header, drawing)
        dataset = pictures_of(dataset_of(cell, name=request.dataset, data_dir=request.data_dir))
        title = f"[{number + 1}/{len(cells)}] {cell.variant} seed {cell.header.seed}"
        _tell(title, f"{drawing.count} samples")
        search = _search(request, replace(drawing, seed=cell.header.seed))  # as the samples of its scores
        samples = cell.draw(search.drawing).images
        neighbours = training_neighbours(cell, samples, dataset, extractor, search, progress=partial(_tell, title))
        _write(neighbours, root)
        yield root, neighbours.record


def _drawing(request: NeighboursRequest) -> Drawing:
    """The samples of each cell, but for its seed. Raises ValueError where the request makes no search."""
    if request.nfe < 0 or request.training_images < 0:
        raise ValueError("--nfe, --training-images: expected at least 0")
    drawing = Drawing(
        count=request.count,
        sampler=request.sampler,
        nfe=request.nfe,
        guidance=request.guidance,
        batch=request.batch,
    )
    _search(request, drawing)
    return drawing


def _search(request: NeighboursRequest, drawing: Drawing) -> NeighbourSearch:
    return NeighbourSearch(drawing=drawing, k=request.neighbours, training_images=request.training_images)


def _write(neighbours: Neighbours, root: Path) -> None:
    """The sheet first: a record in the store has its sheet."""
    sheet = root / "neighbours" / f"{neighbours.record.neighbours_id}.png"
    contact_sheet(neighbours.sheet, sheet, columns=neighbours.columns)
    Store(root).write_neighbours(neighbours.record)


def _tell(title: str, doing: str) -> None:
    print(f"{title}: {doing}", file=sys.stderr, flush=True)
