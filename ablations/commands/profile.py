"""``uvit profile``: what variants cost, measured into records in the store."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ablations.budgets import load_budgets
from ablations.commands.plugins import with_plugins
from ablations.commands.requests import BUDGET, ProfileRequest
from ablations.grid import load_grid
from ablations.matching import size_arms
from bench.checkpoints.file import is_checkpoint, newest_checkpoint, read_header
from bench.machine.runtime import pick_device, thread_limit
from bench.profile.jobs import COUNT, ProfileJob, run_fresh, run_job
from bench.profile.setting import DTYPES, SWITCHES, Setting, Subject, all_settings
from bench.profile.timing import Protocol
from bench.profile.world import World, world
from results.profile import MODES, ProfileRecord
from results.store import Store
from variants import ModelConfig, canonical, resolve


@with_plugins
def profile(request: ProfileRequest) -> Iterator[ProfileRecord]:
    """Measure what was asked for and write each record to ``request.folder``; yields them as they come, on rank 0 only.

    Raises ValueError, before anything is measured, where the request is wrong.
    """
    with world(pick_device(request.device)) as place:
        jobs = make_jobs(request, place)
        store = Store(request.folder)
        for number, job in enumerate(jobs):
            _tell(number, len(jobs), job, place)
            for record in run_fresh(job) if request.fresh or _may_crash(job, place) else run_job(job, place):
                if place.rank == 0:
                    store.write_profile(record)
                    yield record


def _may_crash(job: ProfileJob, place: World) -> bool:
    """Graphs of two large networks once ended a process on an H100, and with it all that was still to be measured."""
    return job.setting.cuda_graphs and job.setting.device_type == "cuda" and place.size == 1


def make_jobs(request: ProfileRequest, place: World) -> list[ProfileJob]:
    """The jobs of a request, each setting once. Raises ValueError where it is wrong."""
    from bench.diffusion.samplers import SAMPLERS

    modes = _chosen("--mode", request.mode, MODES)
    dtypes = _chosen("--dtypes", request.dtypes, DTYPES)
    auto, batch_sizes = _batch_sizes(request.batch_sizes)
    SAMPLERS.get(request.sampler)
    for name, value in (("--rounds", request.rounds), ("--nfe", request.nfe)):
        if value < 1:
            raise ValueError(f"{name}: expected at least 1, got {value}")
    if place.size > 1 and (auto or request.fresh):
        raise ValueError("--batch-sizes auto and --fresh need a single process; give sizes under torchrun")
    subjects = tuple(_subjects(request))
    base = Setting(mode="forward", device=place.device, threads=thread_limit(), world_size=place.size)
    settings = all_settings(
        modes=[mode for mode in modes if mode != "count"],
        dtypes=dtypes,
        batch_sizes=batch_sizes,
        switches=[name for name in SWITCHES if getattr(request, name)],
        sampler=request.sampler,
        nfe=request.nfe,
        base=base,
    )
    job = ProfileJob(
        subjects=subjects,
        setting=COUNT,
        protocol=Protocol(rounds=request.rounds),
        auto=auto,
        measure_peak=request.measure_peak,
        plugins=tuple(request.plugins),
    )
    return [*([job] if "count" in modes else []), *(replace(job, setting=setting) for setting in settings)]


def _subjects(request: ProfileRequest) -> list[Subject]:
    """The variants, checkpoints and the grid's arms, each network once, on their images."""
    loaded = [_in_checkpoint(Path(text)) for text in request.variants if is_checkpoint(text)]
    named = [canonical(text) for text in request.variants if not is_checkpoint(text)]
    if loaded and not named and not request.grid:
        return list(dict.fromkeys(loaded))
    image_size, channels = _images(request)

    def network(text: str) -> ModelConfig:
        return resolve(
            text,
            image_size=image_size,
            channels=channels,
            num_classes=request.num_classes,
            null_label=request.null_label,
            context_tokens=request.context_tokens,
            context_dim=request.context_dim,
        )

    texts = named
    if request.grid:
        preset = request.preset or load_budgets().get(BUDGET).preset
        grid = load_grid(request.grid)
        arms = grid.arms(preset, image_size=image_size)
        arms, _ = size_arms(arms, baseline=grid.baseline, measure=grid.match, resolve=network)
        texts += [arm.variant for arm in arms]
    elif request.preset:
        raise ValueError("--preset names the grid's preset; without --grid, name the variants themselves")
    if not texts:
        raise ValueError("expected a variant such as uvit-s/2, a checkpoint, or --grid GRID; got none")
    return list(dict.fromkeys([*loaded, *(Subject(variant=text, config=network(text)) for text in texts)]))


def _in_checkpoint(path: Path) -> Subject:
    """The network of a checkpoint, on the images that it was made for."""
    header = read_header(newest_checkpoint(path))
    return Subject(variant=header.variant, config=header.config)


def _images(request: ProfileRequest) -> tuple[int, int]:
    """Image size and channels: as given, else the dataset's; the dataset is not looked for where both are given."""
    if request.image_size < 0 or request.channels < 0:
        raise ValueError(
            f"--image-size and --channels: expected at least 1, got {request.image_size, request.channels}"
        )
    if request.image_size and request.channels:
        return request.image_size, request.channels
    from bench.data import find_recipe

    recipe = find_recipe(request.dataset, data_dir=request.data_dir)
    return request.image_size or recipe.image_size, request.channels or recipe.channels


def _chosen(option: str, text: str, known: Sequence[str]) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise ValueError(f"{option}: expected some of {', '.join(known)}, separated by commas; got {name!r}")
    return list(dict.fromkeys(names))


def _batch_sizes(text: str) -> tuple[bool, list[int]]:
    """(Whether to search, the sizes); a search starts at 1."""
    if text.strip() == "auto":
        return True, [1]
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise ValueError(f"--batch-sizes: expected auto or whole numbers from 1, such as 1,64; got {text!r}")
    return False, list(dict.fromkeys(int(part) for part in parts))


def _tell(number: int, total: int, job: ProfileJob, place: World) -> None:
    if place.rank:
        return
    setting = job.setting
    what = [setting.mode] if setting.mode == "count" else [setting.mode, setting.dtype, *setting.switches]
    if setting.mode != "count":
        what.insert(2, "batch auto" if job.auto else f"batch {setting.batch_size}")
    names = f"{len(job.subjects)} variants" if len(job.subjects) > 1 else job.subjects[0].variant
    print(f"[{number + 1}/{total}] {names}: {', '.join(what)}", file=sys.stderr, flush=True)
