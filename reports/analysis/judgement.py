"""From values by arm and seed to what each arm shows: look by look, as the grid's plan has them.

``equivalent`` where two one-sided tests place the difference within the margin that the grid declared, ``better`` and
``worse`` where the interval excludes zero, else ``unresolved``. What an arm shows at the look that resolves it stays;
only complete looks count; what more seeds say is exploratory.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence

from reports.analysis import columns as cols
from reports.analysis import inference, power
from reports.analysis.planned_looks import LookPlan, complete_looks, done_in_a_row
from reports.analysis.summary import paired_difference
from reports.analysis.verdicts import Comparison, Verdict
from reports.text import plural
from reports.views.grid import ArmView, GridView
from results.metrics import Metric

Values = Mapping[str, Mapping[int, float]]  # by arm and seed

_NO_SPREAD = 1e-12  # a standard deviation below this share of the scores is rounding


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is judged: the ``metric`` says which way is better, ``margin`` is on the scale of differences."""

    grid: GridView
    metric: Metric
    values: Values
    margin: float | None
    plan: LookPlan

    def at_looks(self) -> list[Comparison]:
        """Every challenger at the last complete look, or at that which resolved it."""
        taken = 0
        found = self._measured(self.plan.seeds_at(1))
        while taken < len(self.plan.looks):
            open_ = [arm for arm in self.grid.challengers if not found[arm.name].is_resolved]
            if not open_ or taken >= self._complete(open_):
                break
            taken += 1
            found = self._judged(found, [arm.name for arm in open_], taken)
        return list((found if taken else self._moderated(found, self.plan.rates[0])).values())

    def beside(self, primary: Sequence[Comparison]) -> list[Comparison]:
        """Every challenger at the looks that another endpoint, the ``primary``, was judged at."""
        found = self._measured(self.plan.seeds_at(1))
        last = max((comparison.look for comparison in primary), default=0)
        for look in range(1, last + 1):
            found = self._judged(found, [comparison.arm for comparison in primary if comparison.look >= look], look)
        return list((found if last else self._moderated(found, self.plan.rates[0])).values())

    def _complete(self, open_: Sequence[ArmView]) -> int:
        """Looks that can be taken: those whose seeds the open arms and their baselines have."""
        needed = [*open_, *(self.grid.baseline_of(arm) for arm in open_)]
        return complete_looks([done_in_a_row(arm, self.plan.seeds) for arm in needed], self.plan.looks)

    def _measured(self, seeds: Collection[int]) -> dict[str, Comparison]:
        return {arm.name: _measure(self.grid, arm, self.values, seeds) for arm in self.grid.challengers}

    def _judged(self, before: Mapping[str, Comparison], open_: Sequence[str], look: int) -> dict[str, Comparison]:
        """The open arms at a look; the others as they were, lending what they had."""
        now = self._measured(self.plan.seeds_at(look))
        mixed = self._moderated({**before, **{arm: now[arm] for arm in open_}}, self.plan.rates[look - 1])
        return {name: self._verdict(mixed[name], look) if name in open_ else before[name] for name in before}

    def _moderated(self, comparisons: Mapping[str, Comparison], alpha: float) -> dict[str, Comparison]:
        """The comparisons with all that follows from their variances together; one without a spread lends none."""
        each = list(comparisons.values())
        errors = inference.moderated_errors([None if c.sd is None else (c.n_pairs, c.sd) for c in each])
        arms = len(each)
        inferred = [
            c if error is None else self._inferred(c, *error, alpha=alpha, arms=arms)
            for c, error in zip(each, errors, strict=True)
        ]
        if len(self.plan.looks) == 1:
            corrected = inference.holm([c.p for c in inferred], arms)
            inferred = [dataclasses.replace(c, p_holm=p) for c, p in zip(inferred, corrected, strict=True)]
        return {c.arm: dataclasses.replace(c, alpha=alpha) for c in inferred}

    def _inferred(self, comparison: Comparison, se: float, df: float, *, alpha: float, arms: int) -> Comparison:
        mean, sd, margin = comparison.difference, comparison.sd, self.margin
        assert mean is not None and sd is not None
        spread, last = se * math.sqrt(comparison.n_pairs), self.plan.rates[-1]
        return dataclasses.replace(
            comparison,
            se=se,
            df=df,
            interval=inference.interval(mean, se, df, arms, alpha=alpha),
            p=inference.p_value(mean, se, df),
            p_equivalent=None if margin is None else inference.p_equivalent(mean, se, df, margin, arms),
            effect_size=mean / sd,
            mde=power.detectable(se, df, arms, alpha=alpha),
            seeds_needed=power.seeds_needed(mean, spread, arms, margin, alpha=last),
        )

    def _verdict(self, comparison: Comparison, look: int) -> Comparison:
        """The comparison with its verdict, and a note of what the verdict does not say."""
        last = look == len(self.plan.looks)
        at_look = dataclasses.replace(comparison, look=look, is_open=not last)
        if comparison.n_pairs < 2:
            return dataclasses.replace(at_look, seeds_needed=None, note=self.missing(comparison, look))
        if comparison.interval is None:
            same = (
                "the same score as the baseline at every seed" if comparison.difference == 0 else "no spread over seeds"
            )
            return dataclasses.replace(at_look, verdict="unresolved", note=f"{same}: no interval can be had")
        verdict, note = self._despite_failures(comparison, look)
        resolved = verdict != "unresolved"
        return dataclasses.replace(
            at_look,
            verdict=verdict,
            note=note,
            is_open=not (last or resolved),
            seeds_needed=None if resolved else comparison.seeds_needed,
        )

    def _despite_failures(self, comparison: Comparison, look: int) -> tuple[Verdict, str]:
        verdict, note = self._by_numbers(comparison)
        arm = next(each for each in self.grid.arms if each.name == comparison.arm)
        baseline = self.grid.baseline_of(arm)
        rate = f"{comparison.failed} of {plural(comparison.total, 'seed')} failed"
        lost = _failed(baseline, self.plan.seeds_at(look))
        if comparison.failed and verdict in ("better", "equivalent"):
            return "unresolved", f"{rate}: survivors alone cannot be {verdict}"
        if lost and verdict in ("worse", "equivalent"):
            return (
                "unresolved",
                f"{plural(lost, 'seed')} of the baseline failed: against its survivors none is {verdict}",
            )
        return verdict, "; ".join(part for part in (rate if comparison.failed else "", note) if part)

    def missing(self, comparison: Comparison, look: int) -> str:
        """What an arm lacks at a look for a verdict of its own."""
        arm, seeds = next(each for each in self.grid.arms if each.name == comparison.arm), self.plan.seeds_at(look)
        both = [[c for c in each.cells if c.seed in seeds] for each in (arm, self.grid.baseline_of(arm))]
        pending = sum(cell.record is None for cells in both for cell in cells)
        parts = [f"{plural(pending, 'cell')} to come"] if pending else []
        parts += [f"{comparison.failed} of {plural(comparison.total, 'seed')} failed"] if comparison.failed else []
        own, base = ({cell.seed for cell in cells if cell.survivor} for cells in both)
        if (unlike := len(own & base) - comparison.n_pairs) > 0:
            how = "without a curve to compare" if self.metric.ratio else "measured in another way than the baseline"
            parts.append(f"{plural(unlike, 'seed')} {how}")
        if comparison.n_pairs < 2 and not pending:
            parts.append(f"{plural(comparison.n_pairs, 'pair')} of seeds: no interval")
        return "; ".join(parts)

    def _by_numbers(self, comparison: Comparison) -> tuple[Verdict, str]:
        """The verdict by the numbers alone."""
        mean, se, df = comparison.difference, comparison.se, comparison.df
        assert mean is not None and comparison.interval is not None and se is not None and df is not None
        arms = len(self.grid.challengers)
        index = inference.decide(mean, se, df, margin=self.margin, arms=arms, alpha=comparison.alpha)
        finding = inference.FINDINGS[int(index)]
        low, high = comparison.interval
        if finding == "equivalent":
            return "equivalent", "a difference, but within the margin" if low > 0 or high < 0 else ""
        if finding == "unresolved":
            hint = "Holm's p alone is below 0.05, but the interval that holds for all arms at once includes zero"
            return "unresolved", hint if comparison.p_holm is not None and comparison.p_holm <= inference.ALPHA else ""
        return ("better" if finding == self.metric.direction else "worse"), ""


def beyond(comparison: Comparison, metric: Metric, values: Values, baseline: str) -> Comparison:
    """The comparison with a note of what all its pairs say, where they are more than those that were judged."""
    pairs = paired_difference(values.get(comparison.arm, {}), values.get(baseline, {}))
    if pairs is None or not comparison.look or comparison.is_open or pairs.n <= comparison.n_pairs:
        return comparison
    word = f"{metric.short} " if metric.ratio else ""
    more = f"over all {pairs.n} seeds {word}{metric.format(pairs.mean, signed=True)}, exploratory"
    return dataclasses.replace(comparison, note="; ".join(part for part in (comparison.note, more) if part))


def endpoint_column(grid: GridView, columns: Sequence[cols.Column]) -> cols.Column | None:
    """Of the grid's columns, the way of measuring the endpoint that most pairs of seeds share; None without a score."""
    readings = [column for column in columns if cols.is_endpoint(grid, column)]

    def pairs(column: cols.Column) -> tuple[int, int]:
        shared = (column.values(arm).keys() & column.values(grid.baseline_of(arm)).keys() for arm in grid.challengers)
        return sum(map(len, shared)), sum(len(column.values(arm)) for arm in grid.arms if arm.is_baseline)

    return max(readings, key=pairs) if readings else None


def _measure(grid: GridView, arm: ArmView, scores: Values, seeds: Collection[int]) -> Comparison:
    """What one arm's pairs say by themselves; ``sd`` is None where they have no spread to speak of."""
    values, base = (
        {seed: value for seed, value in scores.get(name, {}).items() if seed in seeds}
        for name in (arm.name, grid.baseline_of(arm).name)
    )
    pairs = paired_difference(values, base)
    size = max(map(abs, [*values.values(), *base.values()]), default=0.0)
    sd = None if pairs is None or pairs.std is None or pairs.std <= _NO_SPREAD * size else pairs.std
    return Comparison(
        arm=arm.name, n_pairs=pairs.n if pairs else 0, difference=pairs.mean if pairs else None, sd=sd, se=None,
        df=None, interval=None, p=None, p_holm=None, p_equivalent=None, effect_size=None, mde=None, verdict=None,
        seeds_needed=None, failed=_failed(arm, seeds), total=sum(cell.seed in seeds for cell in arm.cells), note="",
        is_open=True,
    )  # fmt: skip


def _failed(arm: ArmView, seeds: Collection[int]) -> int:
    return sum(cell.record is not None and not cell.record.survived for cell in arm.cells if cell.seed in seeds)
