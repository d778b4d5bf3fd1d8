"""The speed that CI holds: eager step ratios and one Fréchet ratio, on a machine that does nothing else meanwhile."""

import pytest

from bench.training import make_step
from tests.benchmarks.conftest import Note
from tests.benchmarks.interleaved import interleave
from tests.benchmarks.official import official_step
from tests.benchmarks.test_scoring import frechet_rounds
from variants import resolve

pytestmark = pytest.mark.gate

EAGER = {"uvit-nano/4": 2.2, "uvit-micro/4": 1.9}  # measured, docs/performance.md; medians of a day lay 10% apart


@pytest.mark.parametrize("preset", ["uvit-nano/4", "uvit-micro/4"])
def test_the_eager_step_is_faster_than_the_official_one(preset: str, note: Note) -> None:
    config = resolve(preset, image_size=32, channels=3)
    sides = {
        "official": official_step(config, 128),
        "ours": make_step(preset, image_size=32, channels=3, batch_size=128),
    }
    note(f"step {preset}, eager", interleave(sides, rounds=40).ratio("official", "ours"), target=EAGER[preset])


def test_the_frechet_distance_is_faster_than_scipys(note: Note) -> None:
    note("Fréchet distance, 2048 features, against sqrtm", frechet_rounds(rounds=2).ratio("sqrtm", "ours"), target=8.0)
