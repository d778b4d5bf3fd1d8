"""``uvit score``: two sets of images against each other, the first perhaps drawn from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ablations.commands.options import options_of
from ablations.commands.plugins import with_plugins
from ablations.commands.requests import DRAWING_BATCH, SAMPLER, WEIGHTS, ScoreRequest
from bench.checkpoints.file import is_checkpoint
from bench.trained.drawing import Drawing
from bench.trained.score import Scoring, score_sets
from results.metrics import describe

DRAWN = 10_000  # images of a checkpoint unless told: the paper's count during training
_OF_A_CHECKPOINT = (
    *("count", "seed", "sampler", "nfe", "weights", "labels", "guidance", "prompts"),
    *("text_encoder", "autoencoder"),
)


@with_plugins
def score(request: ScoreRequest) -> list[dict[str, Any]]:
    """Every metric as ``{metric, value, card}``. Raises ValueError where a set cannot be read or is too small."""
    _check_drawn(request)
    scoring = Scoring(
        extractor=request.extractor,
        device=request.device,
        data_dir=request.data_dir,
        extractor_weights=request.extractor_weights,
    )
    drawing = Drawing(
        count=request.count or DRAWN,
        seed=request.seed,
        sampler=request.sampler or SAMPLER,
        nfe=request.nfe,
        labels=tuple(request.labels),
        guidance=request.guidance,
        prompts=tuple(request.prompts),
        text_encoder=request.text_encoder,
        autoencoder=request.autoencoder,
        batch=DRAWING_BATCH,
    )
    return score_sets(request.images, request.reference, scoring, drawing=drawing, weights=request.weights or WEIGHTS)


def _check_drawn(request: ScoreRequest) -> None:
    """Raise ValueError where something is said of a drawing and nothing is drawn."""
    flags = {each.name: each.flag for each in options_of(ScoreRequest)}
    asked = [flags[name] for name in _OF_A_CHECKPOINT if getattr(request, name)]
    if asked and not is_checkpoint(request.images):
        raise ValueError(f"{asked[0]} is for drawing from a checkpoint, and {request.images} is none; leave it out")


def score_lines(scores: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line a metric: its value, and what stands beside it."""
    for entry in scores:
        metric, value, floor = describe(entry["metric"]), entry["value"], entry["card"].get("floor")
        error = entry["card"].get("sampling_se")
        spread = "" if error is None else f"   (sampling standard error {error:.{metric.digits}f})"
        beside = spread + ("" if floor is None else f"   (floor {floor:.{metric.digits}f})")
        yield f"{entry['metric']:<28} {'n/a' if value is None else f'{value:.{metric.digits}f}'}{beside}"
