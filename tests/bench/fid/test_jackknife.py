"""The sampling error of a single score: the jackknife it says it is, and what independent draws show."""

from dataclasses import replace

import numpy as np
import pytest

from bench.fid import kernel_distance, score_images
from bench.fid.distance import frechet_from_features
from bench.fid.jackknife import BLOCKS, block_of, frechet_error, standard_error
from bench.fid.kernel import distance_and_error
from tests.bench.fid.conftest import pictures
from tests.bench.fid.test_metrics import HELD_OUT, reference


def gaussian(count, width, *, seed=0, scale=1.3, rank=None):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, rank or width)) / np.sqrt(np.arange(1, (rank or width) + 1))
    return scale * rows @ np.random.default_rng(9).standard_normal((rank or width, width)) + 0.1


def target(width, *, rank=None):
    rows = gaussian(400, width, seed=1, scale=1.0, rank=rank)
    return rows.mean(axis=0), np.cov(rows, rowvar=False)


@pytest.mark.parametrize(("count", "width", "rank"), [(47, 30, None), (25, 40, None), (203, 12, None), (60, 30, 8)])
def test_frechet_error_is_the_jackknife_of_the_distance(count, width, rank):
    rows, (mean, cov) = gaussian(count, width), target(width, rank=rank)
    left = [frechet_from_features(rows[block_of(count) != b], mean, cov) for b in range(BLOCKS)]
    assert frechet_error(rows, mean, cov) == pytest.approx(standard_error(left), rel=1e-5)


def test_kernel_error_is_the_jackknife_of_the_distance():
    rows, real = gaussian(45, 6), gaussian(70, 6, seed=1)
    left = [kernel_distance(rows[block_of(45) != b], real) for b in range(BLOCKS)]
    value, error = distance_and_error(rows, real)
    assert error == pytest.approx(standard_error(left), rel=1e-9)
    assert value == kernel_distance(rows, real)


def test_the_standard_error_of_a_mean_is_the_textbooks():
    rows = np.random.default_rng(0).standard_normal(BLOCKS)
    left = [rows[np.arange(BLOCKS) != b].mean() for b in range(BLOCKS)]
    assert standard_error(left) == pytest.approx(rows.std(ddof=1) / np.sqrt(BLOCKS))


def test_blocks_are_taken_by_turns():
    assert block_of(23).tolist() == [*range(10), *range(10), 0, 1, 2]


@pytest.mark.parametrize(("count", "width"), [(300, 24), (40, 64)])
def test_errors_agree_with_the_spread_over_independent_draws(count, width):
    (mean, cov), real = target(width), gaussian(300, width, seed=1, scale=1.0)
    draws = [gaussian(count, width, seed=100 + i) for i in range(150)]
    frechet = [frechet_from_features(rows, mean, cov) for rows in draws]
    errors = [frechet_error(rows, mean, cov) for rows in draws]
    kernel = [distance_and_error(rows, real, reference_self=0.0) for rows in draws]
    # within the noise of 150 draws (6%), and up to a quarter too cautious, as a jackknife is with few images
    assert 0.85 < np.sqrt(np.mean(np.square(errors))) / np.std(frechet, ddof=1) < 1.35
    assert 0.85 < np.sqrt(np.mean([e**2 for _, e in kernel])) / np.std([v for v, _ in kernel], ddof=1) < 1.35


def test_few_images_have_no_error():
    mean, cov = target(5)
    assert frechet_error(gaussian(19, 5), mean, cov) is None
    assert frechet_error(gaussian(20, 5), mean, cov) > 0
    assert distance_and_error(gaussian(19, 5), gaussian(30, 5))[1] is None


def test_cards_of_distances_carry_their_error(narrow, tmp_path):
    found = reference(narrow, tmp_path)
    scored = score_images(pictures(60, 3), reference=found, extractor=narrow, held_out=HELD_OUT)
    errors = {s.metric.split("_")[0]: s.card.get("sampling_se") for s in scored}
    assert errors["fd"] > 0 and errors["kd"] > 0
    assert errors["precision"] is None and errors["recall"] is None
    assert type(errors["fd"]) is float and type(errors["kd"]) is float  # for JSON


def test_frechet_alone_on_many_images_keeps_no_features(narrow, tmp_path, monkeypatch):
    found, images = reference(narrow, tmp_path), pictures(60, 3)
    (kept,) = score_images(images, reference=found, extractor=narrow, metrics=["frechet"])
    monkeypatch.setattr("bench.fid.metrics.KEPT", 50)
    (streamed,) = score_images(images, reference=found, extractor=replace(narrow), metrics=["frechet"])
    assert kept.value == streamed.value
    assert kept.card["sampling_se"] > 0 and streamed.card["sampling_se"] is None
