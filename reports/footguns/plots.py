"""One plot a footgun, small enough to lie in the repository; every title says records or simulation."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.footguns import published, simulated
from reports.views.grid import GridView

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
STYLE: Any = {
    "font.size": 8, "font.family": "DejaVu Sans", "axes.titlesize": 8, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#E4E4E4", "grid.linewidth": 0.6,
    "axes.axisbelow": True, "legend.frameon": False, "legend.fontsize": 7,
}  # fmt: skip
RECORDS = "records: skip on photos, budget cpu, 2 seeds"


def draw(grid: GridView) -> dict[str, bytes]:
    """All plots by file name."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        return {f"{name}.png": _encoded(make(grid)) for name, make in PLOTS.items()}


def few_samples(grid: GridView) -> Figure:
    """The score falls with the count; a better model on fewer samples looks worse."""
    figure, (axis,) = _figure(1)
    models, counts = simulated.few_samples(), simulated.COUNTS
    for scores, truth, colour, name in (
        (models.better, models.truth[0], BLUE, "better model"),
        (models.worse, models.truth[1], RED, "worse model"),
    ):
        axis.plot(counts, scores.mean(axis=1), color=colour, marker="o", markersize=3, label=name)
        axis.fill_between(counts, scores.min(axis=1), scores.max(axis=1), color=colour, alpha=0.2, linewidth=0)
        axis.axhline(truth, color=colour, linestyle=":", linewidth=1)
    axis.set(xscale="log", yscale="log", xlabel="samples", ylabel="Fréchet distance")
    axis.set_xticks(counts, [f"{n:,}" for n in counts], fontsize=7)
    axis.minorticks_off()
    axis.legend()
    axis.set_title("simulation: 64 features, 20 draws a point; dotted: unlimited samples", loc="left")
    return figure


def one_seed(grid: GridView) -> Figure:
    """Differences from the baseline, seed by seed."""
    figure, (axis,) = _figure(1)
    by_arm = published.differences(grid)
    for row, (_, by_seed) in enumerate(by_arm.items()):
        values = list(by_seed.values())
        crosses = min(values) < 0 < max(values)
        axis.plot([min(values), max(values)], [row, row], color=RED if crosses else GREY, linewidth=1.2)
        for seed, value in by_seed.items():
            axis.plot(value, row, marker="os"[seed % 2], color=BLUE if seed == 0 else GREEN, linestyle="none")
    axis.axvline(0, color="black", linewidth=1)
    axis.set_yticks(range(len(by_arm)), list(by_arm))
    axis.set(ylim=(len(by_arm) - 0.4, -0.6), xlabel=f"val loss: arm minus {grid.baseline.name} (← better)")
    handles = [axis.plot([], [], marker="os"[s], color=(BLUE, GREEN)[s], linestyle="none")[0] for s in (0, 1)]
    axis.legend(handles, ["seed 0", "seed 1"], loc="upper left")
    axis.set_title(f"{RECORDS}; red: the sign depends on the seed", loc="left")
    return figure


def ema_lag(grid: GridView) -> Figure:
    """Left: what an EMA still holds of its start. Right: two arms by raw and by EMA weights."""
    figure, (left, right) = _figure(2)
    steps = np.arange(0.0, 50_001.0, 250.0)
    for ramped, colour, name in ((False, RED, "constant"), (True, BLUE, "ramped, as here")):
        share = 100 * simulated.initial_share(0.9999, steps, ramped=ramped)
        left.plot(steps, share, color=colour, label=name)
    left.set(xlabel="steps", ylabel="initial weights in the EMA, %", xticks=[0, 25_000, 50_000])
    left.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}K")
    left.legend(title="decay 0.9999", title_fontsize=7)
    left.set_title("formula: product of the decays", loc="left")
    curves = published.losses(grid, seed=0)
    for arm, colour in ((grid.baseline.name, BLUE), ("none", RED)):
        for weights, line in (("raw", "-"), ("ema", "--")):
            points = [point for point in curves.get((arm, weights), []) if point[0] >= 1100]
            right.plot([s for s, _ in points], [v for _, v in points], line, color=colour, label=f"{arm}, {weights}")
    right.set(xlabel="steps", ylabel="val loss", yscale="log", yticks=[0.03, 0.05, 0.1])
    right.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    right.minorticks_off()
    right.legend()
    right.set_title("records: skip on photos, seed 0", loc="left")
    return figure


def unequal_size(grid: GridView) -> Figure:
    """Arms of one ablation beside their size."""
    figure, (axis,) = _figure(1)
    sizes = published.relative_sizes(grid)
    for row, (params, macs) in enumerate(sizes.values()):
        for offset, value, colour in ((-0.17, params, BLUE), (0.17, macs, GREEN)):
            axis.barh(row + offset, value, height=0.32, color=colour)
            axis.annotate(f"{value:+.1f}%".replace("-", "−"), (value, row + offset), xytext=(-3, 0),
                          textcoords="offset points", ha="right", va="center", fontsize=6.5)  # fmt: skip
    axis.axvline(0, color="black", linewidth=1)
    axis.set_yticks(range(len(sizes)), list(sizes))
    lowest = min(min(pair) for pair in sizes.values())
    axis.set(
        ylim=(len(sizes) - 0.4, -0.6),
        xlim=(1.25 * lowest - 0.1, 0.3),
        xlabel=f"difference from {grid.baseline.name}, %",
    )
    handles = [axis.barh(0, 0, color=colour) for colour in (BLUE, GREEN)]
    axis.legend(handles, ["parameters", "MACs"], loc="upper left")
    axis.set_title("records: skip on photos; one choice, three sizes", loc="left")
    return figure


def best_checkpoint(grid: GridView) -> Figure:
    """What picking the lowest of K noisy scores reports, and how often it wins against an equal model."""
    figure, (left, right) = _figure(2)
    picks, (gains, wins) = simulated.PICKS, simulated.best_of_checkpoints()
    left.plot(picks, gains, color=RED, marker="o", markersize=3)
    left.set(ylabel="reported gain that is not there, FID")
    right.plot(picks, 100 * wins, color=RED, marker="o", markersize=3)
    right.axhline(50, color=GREY, linestyle=":")
    right.set(ylabel="wins against an equal model, %", ylim=(0, 100))
    for axis in (left, right):
        axis.set(xscale="log", xlabel="checkpoints to pick from")
        axis.set_xticks(picks, [str(n) for n in picks])
        axis.minorticks_off()
    left.set_title(f"simulation: noise of one score {simulated.NOISE:g} FID (standard deviation)", loc="left")
    return figure


def mixed_extractors(grid: GridView) -> Figure:
    """Two models under two extractors: other numbers, other order."""
    figure, axes = _figure(2)
    for axis, (name, scores) in zip(axes, simulated.two_extractors().items(), strict=True):
        axis.bar(["model 1", "model 2"], scores, color=[BLUE, RED], width=0.5)
        for i, score in enumerate(scores):
            axis.annotate(f"{score:,.1f}", (i, score), xytext=(0, 2), textcoords="offset points", ha="center")
        axis.set(ylabel="Fréchet distance", xlabel=name, ylim=(0, 1.18 * max(scores)))
    axes[0].set_title("simulation: the same 10,000 samples of each model, 64 features", loc="left")
    return figure


PLOTS: dict[str, Callable[[GridView], Figure]] = {
    make.__name__: make for make in (few_samples, one_seed, ema_lag, unequal_size, best_checkpoint, mixed_extractors)
}


def _figure(columns: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 2.5), layout="constrained")
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def _encoded(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()
