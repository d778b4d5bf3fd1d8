"""What outputs stand for: the best of each is one and the same noise prediction, and errors convert as they should."""

import numpy as np
import pytest
import torch

from bench.diffusion import PROCESSES, VPSDE
from bench.diffusion.convergence.gaussian import Gaussian
from bench.diffusion.prediction import PREDICTIONS, SIGMA_FLOOR, Level, at_least, level_at, predicted_noise
from tests.bench.diffusion.gaussian import MEAN, STD, x_T
from tests.bench.diffusion.optimal import OUTPUTS, Optimal, edm_input

PAIRS = [(process, prediction) for process in PROCESSES.names() for prediction in PREDICTIONS.names()]
TIMES = torch.tensor([0.0012, 0.03, 0.25, 0.5004, 0.9, 0.998], dtype=torch.float64)


def test_every_prediction_is_written_again_for_the_tests():
    assert PREDICTIONS.names() == list(OUTPUTS)
    assert all(each.about and each.source for _, each in PREDICTIONS.items())


@pytest.mark.parametrize(("process", "prediction"), PAIRS)
def test_the_best_output_of_every_kind_is_the_best_noise_prediction(process, prediction):
    process, x = PROCESSES.get(process), x_T()
    found = predicted_noise(Optimal(process, prediction), process, PREDICTIONS.get(prediction), x, TIMES)
    expected = Gaussian(process=process, mean=MEAN, std=STD).noise(x, TIMES)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("process", "prediction"), PAIRS)
def test_the_target_is_an_output_without_error(process, prediction):
    process, prediction = PROCESSES.get(process), PREDICTIONS.get(prediction)
    x0, eps = x_T(), x_T().flip(0)
    level = level_at(process, TIMES, x0)
    x_t = level.alpha * x0 + level.sigma * eps
    torch.testing.assert_close(
        prediction.noise(level, x_t, prediction.target(level, x0, eps)), eps, rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize(("process", "prediction"), PAIRS)
def test_the_determinant_is_what_an_error_of_the_noise_becomes(process, prediction):
    """Move the noise at a given x_t, and the image with it so that x_t stays: the target moves by D Δ / α."""
    process, prediction = PROCESSES.get(process), PREDICTIONS.get(prediction)
    x0, eps = x_T(), x_T().flip(0)
    level = level_at(process, TIMES, x0)
    moved = prediction.target(level, x0 - level.sigma / level.alpha * 0.1, eps + 0.1) - prediction.target(
        level, x0, eps
    )
    expected = prediction.determinant(level) * 0.1 / level.alpha
    torch.testing.assert_close(moved, expected.expand_as(moved), rtol=1e-8, atol=1e-10)


def test_edm_sees_its_input_at_unit_variance_for_data_of_its_spread():
    process, prediction = VPSDE(), PREDICTIONS.get("edm")
    level = level_at(process, TIMES, x_T())
    seen = prediction.network_input(level, x_T())
    torch.testing.assert_close(seen, edm_input(process, x_T(), TIMES), rtol=1e-10, atol=1e-12)
    spread = (level.alpha**2 * 0.25 + level.sigma**2).sqrt() * prediction.scale(level)
    torch.testing.assert_close(spread, torch.ones_like(spread))
    assert PREDICTIONS.get("v").network_input(level, seen) is seen


def test_the_noise_of_a_predicted_image_stays_finite_without_noise():
    x, image = torch.full((1, 1), 0.5), torch.full((1, 1), 0.4)
    clean = Level(process=VPSDE(), alpha=torch.ones(1, 1), sigma=torch.zeros(1, 1))
    assert float(PREDICTIONS.get("x0").noise(clean, x, image)) == pytest.approx(0.1 / SIGMA_FLOOR, rel=1e-5)
    for _, process in PROCESSES.items():
        assert float(process.marginal(process.t_end)[1]) >= SIGMA_FLOOR, "no sampler meets the floor"


def test_a_floor_takes_numbers_arrays_and_tensors():
    assert at_least(0.5, 0.1) == 0.5
    np.testing.assert_array_equal(at_least(0.5, np.array([0.1, 0.7])), [0.5, 0.7])
    assert torch.equal(at_least(0.5, torch.tensor([0.1, 0.7])), torch.tensor([0.5, 0.7]))
