"""What a grid is held against: its plan of seeds and looks, its images' linear filters, its training's calibrations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reports.views.grid import ArmView
from results.calibration import CalibrationRecord, best_match
from results.linear_filter import LinearFilterRecord
from results.manifest import Manifest


def planned(manifests: Sequence[Manifest]) -> Manifest:
    """The first manifest of a grid with the plan of all: manifests that plan other seeds make one plan together.

    Of plans with several looks the longest stands alone, for looks at other seeds would not keep its error rate.
    """
    plans = dict.fromkeys((manifest.seeds, manifest.looks) for manifest in manifests)
    if len(plans) == 1:
        return manifests[0]
    if any(len(looks) > 1 for _, looks in plans):
        seeds, looks = max(plans, key=lambda plan: (len(plan[1]) > 1, len(plan[0])))
        return replace(manifests[0], seeds=seeds, looks=looks)
    together = tuple(dict.fromkeys(seed for seeds, _ in plans for seed in seeds)) if all(s for s, _ in plans) else ()
    return replace(manifests[0], seeds=together, looks=(len(together),) if together else ())


def linear_filters_of(
    arms: Iterable[ArmView], linear_filters: Iterable[LinearFilterRecord]
) -> tuple[LinearFilterRecord, ...]:
    """The filters that the arms' validation losses compare with: of the same held-out images and process."""
    seen = {
        (score.card.get("fingerprint"), process_of(record.training))
        for arm in arms
        for record in arm.records
        for score in record.scores
        if score.metric == "val_loss"
    }
    return tuple(each for each in linear_filters if each.measured_on in seen)


def process_of(training: dict[str, object]) -> str:
    """The process of a training; records from before there was a choice have the first."""
    return str(training.get("process", "vp"))


def calibrations_of(
    manifest: Manifest, arms: Iterable[ArmView], calibrations: Iterable[CalibrationRecord]
) -> dict[str, CalibrationRecord]:
    """By block, the calibration of its baseline's training on its dataset; without those that have none."""
    known = list(calibrations)
    found = {}
    for arm in arms:
        if not arm.is_baseline or not arm.records:
            continue
        record = arm.records[0]
        fingerprint = str(record.dataset.get("fingerprint", ""))
        preset = manifest.preset or record.preset
        match = best_match(known, preset=preset, training=record.training, fingerprint=fingerprint)
        if match is not None:
            found[arm.block] = match
    return found
