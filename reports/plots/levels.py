"""Skill by noise level: each arm's EMA eps-loss over the linear filter's, against the time t and its log-SNR."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.analysis.skill_levels import ArmLevels, LevelPanel
from reports.content.footers import seed_count
from reports.content.grid_report import GridReport
from reports.plots.canvas import canvas
from reports.plots.scales import ratio_axis
from reports.plots.style import BLACK, GREY, Look, arm_label, groups, handle, looks
from reports.text import plain
from reports.views.grid import ArmView

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figures(report: GridReport) -> dict[str, Figure]:
    """``levels-<grid>``, or one an axis or a block; none without losses by noise level and a linear filter."""
    grid, panels = report.grid, report.analysis.levels
    drawn = {}
    for name, arms in groups(grid.name, grid.arms):
        names = {arm.name for arm in arms}
        content = [(panel, [each for each in panel.arms if each.arm.name in names]) for panel in panels]
        if content := [(panel, own) for panel, own in content if own]:
            drawn[f"levels-{name}"] = _figure(content, arms)
    return drawn


def _figure(content: Sequence[tuple[LevelPanel, list[ArmLevels]]], arms: Sequence[ArmView]) -> Figure:
    look = looks(arms)
    shown = [arm for arm in arms if any(each.arm.name == arm.name for _, own in content for each in own)]
    several = any(len(each.seeds) > 1 for _, own in content for each in own)
    notes = [_note(panel, own) for panel, own in content]
    notes += ["lines: mean over seeds · bands: the seeds, lowest to highest"] if several else []
    handles = [handle(arm_label(arm), look[arm.name]) for arm in shown]
    figure, axes = canvas([2.1] * len(content), footer=notes, handles=handles)
    for axis, (panel, own) in zip(axes, content, strict=True):
        _draw(axis, panel, own, look)
    return figure


def _note(panel: LevelPanel, own: Sequence[ArmLevels]) -> str:
    linear = panel.linear_filter
    data = plain(str(linear.dataset.get("name", "")), limit=30)
    return (
        f"EMA weights' eps-loss over the linear filter's, {linear.levels} noise levels · {data}, process "
        f"{plain(linear.process)} · filter of {linear.training_images:,} training images, measured on "
        f"{linear.held_out_images:,} held out · {seed_count(len(each.seeds) for each in own)} · step {panel.step:,}"
    )


def _draw(axis: Axes, panel: LevelPanel, own: Sequence[ArmLevels], look: dict[str, Look]) -> None:
    times = panel.linear_filter.times
    for each in sorted(own, key=lambda levels: levels.arm.is_baseline):  # the baseline on top
        mean, low, high = ([math.exp(log) for log in side] for side in zip(*each.band(), strict=True))
        of = look[each.arm.name]
        axis.plot(times, mean, markersize=2.6, **of)
        if len(each.seeds) > 1:
            axis.fill_between(times, low, high, color=of["color"], alpha=0.8 / (len(own) + 1), linewidth=0)
    low_log, high_log = panel.reach()
    room = 0.08 * (high_log - low_log) or 0.1
    ratio_axis(axis, "y", low_log - room, high_log + room)
    axis.axhline(1.0, color=BLACK, linewidth=0.9, linestyle=(0, (4, 2)))
    axis.annotate(
        "linear\nfilter", (1, 1), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
        va="center", fontsize=6, color=GREY, annotation_clip=False,
    )  # fmt: skip
    axis.set_ylabel("eps-loss over the linear filter's\n(lower is better)")
    axis.set_xlabel("time t (clean at 0, noise at 1)")
    axis.set_xlim(0, 1)
    above = axis.secondary_xaxis("top")
    ticks = panel.snr_ticks()
    above.set_xticks([time for time, _ in ticks], [f"{value:g}".replace("-", "−") for _, value in ticks])
    above.set_xlabel("log-SNR", fontsize=7)
