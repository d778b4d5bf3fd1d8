"""The series behind the plots as plain data, so that a page draws them without matplotlib.

Differences with their verdicts are in ``reports.verdicts``, scores against evaluations in ``reports.sampling_steps``.

All values are in the unit that the axis names, after the metric's scale. Lists of points run in order of their x;
an arm without a value is absent. Keys are kept stable: a page and users' scripts read them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reports.batches import batch_panels
from reports.curves import Curve, Panel, loss_panel, panels
from reports.footers import footer
from reports.frame import GridView
from reports.paper import paper_curves
from reports.points import ArmPoint, Scores, endpoint_scores, scores
from reports.scaling import scalings
from reports.tradeoffs import tradeoffs
from results.metrics import Metric, describe
from results.profile import ProfileRecord

Data = dict[str, Any]


def series(grid: GridView) -> Data:
    """What the plots of a grid show.

    ::

        {grid, arms: [{arm, variant, formula, baseline}],
         curves:  [{metric…, weights, endpoint, floor, footer, arms: [{arm, steps, mean, lo, hi, seeds, failed}]}],
         losses:  null or one such panel of the training loss,
         paper:   [{panel, varies, metric…, source, arms: [{arm, steps, values}]}],
         scores:  [{metric…, weights, step, endpoint, floor, footer, arms: [{arm, mean, std, lo, hi, n, seeds}]}],
         tradeoffs: [{cost, label, better, how, arms: [{arm, x, mean, lo, hi, front}]}],
         scaling: [{varies, label, baseline, arms: [{arm, x, mean, lo, hi, seeds}]}]}

    ``metric…`` stands for metric, label, axis, unit, digits and better (lower, higher, none). ``lo`` and ``hi`` of a
    curve are the lowest and highest seed, of a score the 95% interval of its mean (null for one seed). ``seeds`` maps
    a seed to its value, or to its [[step, value], …] in a curve; ``failed`` lists seeds that stopped.
    """
    primary, losses = endpoint_scores(grid), loss_panel(grid)
    return {
        "grid": grid.name,
        "arms": [_arm(arm) for arm in grid.arms],
        "curves": [_panel(panel) for panel in panels(grid)],
        "losses": None if losses is None else _panel(losses),
        "paper": _paper(grid),
        "scores": [_scores(found) for found in scores(grid)],
        "tradeoffs": [] if primary is None else _tradeoffs(grid, primary),
        "scaling": [] if primary is None else _scalings(primary),
    }


def profile_series(records: Iterable[ProfileRecord]) -> list[Data]:
    """Throughput against batch size: ``[{mode, device, setting, lines: [{variant, batch, imgs_per_s, lo, hi}]}]``."""
    keys = ("batch", "imgs_per_s", "lo", "hi")
    return [
        {
            "mode": panel.mode,
            "device": panel.device,
            "setting": panel.setting,
            "lines": [
                {"variant": line.variant, **{key: [p[i] for p in line.points] for i, key in enumerate(keys)}}
                for line in panel.lines
            ],
        }
        for panel in batch_panels(records)
    ]


def _arm(arm: Any) -> Data:
    return {"arm": arm.name, "variant": arm.variant, "formula": arm.formula, "baseline": arm.is_baseline}


def _metric(metric: Metric) -> Data:
    return {
        "metric": metric.name,
        "label": metric.label,
        "axis": metric.axis,
        "unit": metric.unit,
        "digits": metric.digits,
        "better": metric.direction,
    }


def _panel(panel: Panel) -> Data:
    seeds = [len(curve.seeds) - len(curve.failed) for curve in panel.curves]
    return {
        **_metric(panel.metric),
        "weights": panel.weights,
        "endpoint": panel.is_endpoint,
        "floor": _scaled(panel.metric, panel.floor),
        "footer": footer(panel.metric, panel.weights, panel.card, seeds=seeds, floor=panel.floor),
        "arms": [_curve(curve, panel.metric) for curve in panel.curves],
    }


def _curve(curve: Curve, metric: Metric) -> Data:
    band = curve.band()
    values = {key: [metric.scale * point[i] for point in band] for i, key in ((1, "mean"), (2, "lo"), (3, "hi"))}
    seeds = {str(s): [[step, metric.scale * value] for step, value in points] for s, points in curve.seeds.items()}
    steps = [point[0] for point in band]
    return {"arm": curve.arm.name, "steps": steps, **values, "seeds": seeds, "failed": sorted(curve.failed)}


def _paper(grid: GridView) -> list[Data]:
    return [
        {
            "panel": found.panel.name,
            "varies": found.panel.axis,
            **_metric(describe(found.panel.metric)),
            "source": found.panel.source,
            "arms": [
                {"arm": name, "steps": [step for step, _ in points], "values": [value for _, value in points]}
                for name, points in found.by_arm.items()
            ],
        }
        for found in paper_curves(grid)
    ]


def _scores(found: Scores) -> Data:
    column = found.column
    seeds = [len(point.seeds) for point in found.points]
    return {
        **_metric(column.described),
        "weights": column.weights,
        "step": column.step,
        "endpoint": found.is_endpoint,
        "floor": _scaled(column.described, found.floor),
        "footer": footer(column.described, column.weights, found.card, seeds=seeds, floor=found.floor),
        "arms": [_point(point, column.described) for point in found.points],
    }


def _point(point: ArmPoint, metric: Metric) -> Data:
    low, high = point.interval or (None, None)
    return {
        "arm": point.arm.name,
        "mean": metric.scale * point.mean,
        "std": _scaled(metric, point.std),
        "lo": _scaled(metric, low),
        "hi": _scaled(metric, high),
        "n": len(point.seeds),
        "seeds": {str(seed): metric.scale * value for seed, value in point.seeds.items()},
    }


def _tradeoffs(grid: GridView, primary: Scores) -> list[Data]:
    metric = primary.column.described
    return [
        {
            "cost": found.name,
            "label": found.label,
            "better": found.direction,
            "how": found.how,
            "arms": [
                {"x": found.scale * cost, **_point(point, metric), "front": point.arm.name in found.front}
                for cost, point in sorted(found.points, key=lambda pair: pair[0])
            ],
        }
        for found in tradeoffs(grid, primary)
    ]


def _scalings(primary: Scores) -> list[Data]:
    metric = primary.column.described
    return [
        {
            "varies": found.axis,
            "label": found.label,
            "baseline": None if found.baseline is None else _point(found.baseline, metric),
            "arms": [{"x": size, **_point(point, metric)} for size, point in found.points],
        }
        for found in scalings(primary)
    ]


def _scaled(metric: Metric, value: float | None) -> float | None:
    return None if value is None else metric.scale * value
