"""From a grid to its cells: what ``uvit plan`` shows and ``uvit run`` runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ablations.arms import Arm, as_measure
from ablations.budgets import Budget, Endpoint, load_budgets
from ablations.grid import Grid
from ablations.matching import size_arms
from ablations.recipes import recipe_training, settled
from ablations.schedule import Schedule, looks_text, trains_the_same
from bench.cell.identity import Cell, score_points, validation_steps
from bench.cell.prepared import Prepared, prepare
from bench.cell.scoring import check_names
from bench.conditions.choice import check_settings, condition_of
from bench.config import Draw, EvaluationConfig, Precision, TrainingConfig
from bench.data.load import load_cached_dataset
from bench.machine.runtime import Runtime
from results.manifest import Manifest, ManifestArm, ManifestCell, ManifestDraw, ManifestEndpoint, ManifestEvaluation
from variants import network_part, resolve

if TYPE_CHECKING:
    from bench.data import Dataset
    from variants.config import ModelConfig

_USUAL = 32  # pixels a side
_KINDS: tuple[Literal["frechet", "kernel"], ...] = ("frechet", "kernel")  # full names need the budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A grid with every cell resolved; cells that several arms share stand once."""

    grid: Grid
    budget: Budget
    dataset: str
    preset: str
    endpoint: Endpoint
    arms: list[Arm]
    cells: list[Prepared]
    members: Mapping[str, list[tuple[int, str]]]  # arm name -> (seed, train_id)
    schedule: Schedule  # what the manifest says; ``cells`` and ``members`` are what was asked for now
    earlier: Manifest | None = None  # the plan in the output folder that this one goes on with
    notes: tuple[str, ...] = ()  # arms that could not be size-matched, and why; seeds beyond the plan

    def part(self, seeds: Mapping[str, Collection[int]]) -> Plan:
        """The plan with these seeds of each arm alone."""
        members = {arm: [(s, t) for s, t in cells if s in seeds.get(arm, ())] for arm, cells in self.members.items()}
        kept = {train_id for cells in members.values() for _, train_id in cells}
        cells = [prepared for prepared in self.cells if prepared.train_id in kept]
        return dataclasses.replace(self, cells=cells, members=members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A grid under a budget on a dataset: its arms and seeds, checked, but no network built yet."""

    grid: Grid
    budget: Budget
    dataset_name: str  # as asked for: folder:PATH, say
    dataset: Dataset
    network: Mapping[str, Any]  # what the dataset and the budget's condition ask of every network
    preset: str
    arms: list[Arm]
    schedule: Schedule
    match: str = ""

    def resolve(self, variant: str) -> ModelConfig:
        """The network of ``variant`` on the dataset; ValueError where there is none."""
        return resolve(network_part(variant), **self.network)


def resolve_scope(
    grid: Grid,
    budget: Budget,
    *,
    dataset: str,
    schedule: Schedule,
    preset: str | None = None,
    data_dir: Path | None = None,
    match: str = "",
) -> Scope:
    """Check all of a request that needs no torch. Raises ValueError where it is wrong; decodes the dataset."""
    match = as_measure(match, where="--match") or grid.match
    check_names(budget.evaluation)
    check_settings(budget.training, budget.evaluation)
    budget.training.check_recipe("training")
    settle = partial(settled, budget=budget)
    preset = preset or budget.preset
    arms = grid.arms(
        preset, image_size=_USUAL, settle=settle
    )  # before the dataset: a slip in a name should not wait for a download
    loaded = load_cached_dataset(dataset, data_dir, budget.training.image_size or None)
    if loaded.image_size != _USUAL:
        arms = grid.arms(preset, image_size=loaded.image_size, settle=settle)
    scope = Scope(
        grid=grid,
        budget=budget,
        dataset_name=dataset,
        dataset=loaded,
        network=_network(budget, loaded),
        preset=preset,
        arms=arms,
        schedule=schedule,
        match=match,
    )
    for arm in scope.arms:
        scope.resolve(arm.variant)
    return scope


def _network(budget: Budget, dataset: Dataset) -> dict[str, Any]:
    """The part of every network's configuration that the dataset and the condition decide."""
    condition = condition_of(budget.training, dataset)
    return {"image_size": dataset.image_size, "channels": dataset.channels, **condition.network}


def plan_grid(scope: Scope, *, precision: Precision, earlier: Manifest | None = None) -> Plan:
    """Resolve every cell of a grid, with its id and size; trains nothing.

    ``earlier`` is a plan of the grid that was looked at. It goes on where it trains the same cells: its seeds and looks
    stay, and so does what it lists. Raises ValueError where several looks are asked for that it does not plan.
    """
    asked = scope.schedule
    if earlier is None:
        return _resolve_cells(scope, precision, asked)
    planned = Schedule.of_manifest(earlier)
    wider = _resolve_cells(scope, precision, planned.with_seeds(asked.seeds))
    now = wider.part(dict.fromkeys(wider.members, asked.seeds))
    if not trains_the_same(wider.members, earlier):
        return dataclasses.replace(now, schedule=asked)
    if len(asked.looks) > 1 and (planned.looks, planned.judged) != (asked.looks, asked.seeds):
        raise ValueError(
            f"grid {scope.grid.name}: --until-resolved plans {asked.text()}; the plan of this folder is "
            f"{planned.text()}, and was looked at: another --out starts a new plan"
        )
    beyond = len(set(asked.seeds) - set(planned.judged))
    notes = (*now.notes, _exploratory(planned, beyond)) if beyond else now.notes
    return dataclasses.replace(now, earlier=earlier, notes=notes)


def _exploratory(planned: Schedule, beyond: int) -> str:
    further = f"{beyond} further seed{' is' if beyond == 1 else 's are'}"
    return (
        f"the plan of this folder is {looks_text(planned.looks)}, and was looked at: {further} exploratory, "
        "in no verdict; another --out starts a new plan"
    )


def _resolve_cells(scope: Scope, precision: Precision, schedule: Schedule) -> Plan:
    grid, budget = scope.grid, scope.budget
    arms, notes = size_arms(scope.arms, baseline=grid.baseline, measure=scope.match, resolve=scope.resolve)
    cells: dict[str, Prepared] = {}
    members: dict[str, list[tuple[int, str]]] = {arm.name: [] for arm in arms}
    for seed in schedule.seeds:
        for arm in arms:
            cell = Cell(
                variant=arm.variant,
                dataset=scope.dataset_name,
                budget=budget.name,
                training=dataclasses.replace(recipe_training(arm.variant, budget.training), precision=precision),
                evaluation=budget.evaluation,
                seed=seed,
            )
            prepared = prepare(cell, scope.dataset)
            cells.setdefault(prepared.train_id, prepared)
            members[arm.name].append((seed, prepared.train_id))
    _check_blocks_differ(grid, arms, members)
    return Plan(
        grid=grid,
        budget=budget,
        dataset=scope.dataset_name,
        preset=scope.preset,
        endpoint=_endpoint(grid, budget),
        arms=arms,
        cells=list(cells.values()),
        members=members,
        schedule=schedule,
        notes=tuple(notes),
    )


def _check_blocks_differ(grid: Grid, arms: list[Arm], members: Mapping[str, list[tuple[int, str]]]) -> None:
    """Raise ValueError where two blocks that are written differently train the same cells."""
    owners: dict[str, Arm] = {}
    for arm in arms:
        for _, train_id in members[arm.name]:
            other = owners.setdefault(train_id, arm)
            if grid.within and other.block != arm.block:
                raise ValueError(
                    f"grid {grid.name}: [within] {grid.within.axis}: {other.name} and {arm.name} are the same "
                    f"training; leave {other.block} or {arm.block} out"
                )


def _endpoint(grid: Grid, budget: Budget) -> Endpoint:
    """The grid's own endpoint where it names one, else the budget's; ``frechet`` becomes the metric's full name."""
    from bench.fid import metric_name

    chosen = dataclasses.replace(budget.endpoint, **grid.endpoint)
    evaluation = budget.evaluation
    for kind in _KINDS:
        if chosen.metric == kind:
            return dataclasses.replace(chosen, metric=metric_name(kind, evaluation.extractor, evaluation.samples))
    return chosen


def cost(plan: Plan) -> dict[str, int]:
    """Multiply-accumulates of the whole plan: of training (forward and backward) and of sampling."""
    from bench.profile.macs import TRAINING_FACTOR

    training = sampling = 0
    for prepared in plan.cells:
        steps, batch = prepared.cell.training.steps, prepared.cell.training.batch_size
        evaluation = prepared.cell.evaluation
        training += TRAINING_FACTOR * prepared.macs * batch * steps
        validations = 2 * evaluation.val_levels * evaluation.val_images * len(validation_steps(evaluation, steps))
        images = sum(point.samples * point.nfe for point in score_points(evaluation, steps))
        passes = 2 if evaluation.guidance else 1
        sampling += prepared.macs * (passes * images + validations)
    return {"training_macs": training, "sampling_macs": sampling, "sweep_macs": _sweep_cost(plan)}


def _sweep_cost(plan: Plan) -> int:
    """The part of the sampling that the sweep adds to it."""
    evaluation = plan.budget.evaluation
    plain = dataclasses.replace(evaluation, sweep=())
    steps = plan.budget.training.steps
    added = set(score_points(evaluation, steps)) - set(score_points(plain, steps))
    images = sum(point.samples * point.nfe for point in added) * (2 if evaluation.guidance else 1)
    return sum(prepared.macs for prepared in plan.cells) * images


def manifest(plan: Plan, runtime: Runtime) -> Manifest:
    """What ``reports`` knows of the grid. Raises ValueError naming the grid and a field that makes no manifest."""
    try:
        return _manifest(plan, runtime)
    except ValueError as error:
        raise ValueError(f"grid {plan.grid.name}: {error}") from None


def _manifest(plan: Plan, runtime: Runtime) -> Manifest:
    grid, models = plan.grid, {prepared.train_id: prepared.model for prepared in plan.cells}
    usual = load_budgets().get(plan.budget.name).training  # without what ``--set`` changes
    return Manifest(
        name=grid.name,
        question=grid.question,
        baseline=grid.baseline,
        reference=grid.reference,
        endpoint=ManifestEndpoint(**dataclasses.asdict(plan.endpoint)),
        budget=plan.budget.name,
        dataset=plan.cells[0].dataset.name,  # never a path
        preset=plan.preset,
        runtime=runtime.asdict(),
        evaluation=_asked_draws(plan.budget.evaluation),
        seeds=plan.schedule.seeds,
        looks=plan.schedule.looks,
        sections={
            "training": dataclasses.replace(plan.budget.training, precision=runtime.precision).asdict(),
            "evaluation": plan.budget.evaluation.asdict(),
        },
        within=grid.within.axis if grid.within else "",
        arms=_with_earlier([_manifest_arm(arm, plan, models, usual) for arm in plan.arms], plan),
    )


def _with_earlier(arms: Sequence[ManifestArm], plan: Plan) -> tuple[ManifestArm, ...]:
    """``arms`` and what the earlier plan lists beside them, cells in the order of the seeds."""
    before = {arm.arm: arm for arm in plan.earlier.arms} if plan.earlier else {}
    order = {seed: place for place, seed in enumerate(plan.schedule.seeds)}

    def joined(arm: ManifestArm) -> ManifestArm:
        known = before.pop(arm.arm, arm).cells
        cells = {cell.seed: cell for cell in (*known, *arm.cells)}
        return dataclasses.replace(arm, cells=tuple(sorted(cells.values(), key=lambda cell: order[cell.seed])))

    return (*[joined(arm) for arm in arms], *before.values())


def settings_of(training: TrainingConfig, budget: TrainingConfig) -> tuple[str, ...]:
    """As ``--set`` writes them, the fields in which ``training`` differs from a budget's own, but for precision."""
    own = dataclasses.replace(budget, precision=training.precision).asdict()
    given = {key: value for key, value in training.asdict().items() if value != own[key]}
    return tuple(
        f"training.{key}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in given.items()
    )


def _manifest_arm(arm: Arm, plan: Plan, models: Mapping[str, ModelConfig], budget: TrainingConfig) -> ManifestArm:
    members = plan.members[arm.name]
    training = recipe_training(arm.variant, plan.budget.training)
    return ManifestArm(
        arm=arm.name,
        variant=arm.variant,
        formula=arm.formula,
        match=arm.match,
        residual=arm.residual if arm.match else None,
        sizes=_sizes(models[members[0][1]]),
        block=arm.block,
        settings=settings_of(training, budget),
        cells=tuple(ManifestCell(seed=seed, train_id=train_id) for seed, train_id in members),
    )


def _asked_draws(evaluation: EvaluationConfig) -> ManifestEvaluation:
    """Which samples this grid asked for: a record holds those of other grids as well."""
    return ManifestEvaluation(
        draws=_draws(evaluation.own_draws),
        sweep=_draws(evaluation.sweep_draws),
        left_out=_draws(draw for draw in evaluation.written_sweep if draw not in evaluation.sweep_draws),
    )


def _draws(drawn: Iterable[Draw]) -> tuple[ManifestDraw, ...]:
    return tuple(ManifestDraw(sampler=draw.sampler, nfe=draw.nfe) for draw in drawn)


def _sizes(model: ModelConfig) -> dict[str, int]:
    return {"depth": model.depth, "width": model.embed_dim, "patch": model.patch}
