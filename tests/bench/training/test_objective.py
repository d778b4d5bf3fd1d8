"""What is learned: targets, spaces, weights and times against the formulas of their papers, written out again."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from bench.config import TrainingConfig
from bench.diffusion import PROCESSES, VPSDE
from bench.diffusion.prediction import PREDICTIONS
from bench.diffusion.samplers import SAMPLERS
from bench.machine.runtime import Runtime
from bench.random import normal, stream
from bench.sampling import sample_images
from bench.training.objective import GAMMA, TIMES, Objective
from bench.training.step import TrainState
from bench.training.validation import validation_loss
from tests.bench.diffusion.gaussian import MEAN, STD
from tests.bench.diffusion.optimal import Optimal
from tests.bench.training.test_validation import IMAGES, _split
from variants import create_model

SPACES = ("eps", "x0", "v")
ALL = [(process, prediction) for process in PROCESSES.names() for prediction in PREDICTIONS.names()]
FIELDS: dict[str, tuple[str, ...]] = {
    "prediction": tuple(PREDICTIONS.names()),
    "loss_space": ("own", *SPACES),
    "weighting": ("none", "min_snr"),
    "times": tuple(TIMES),
    "process": tuple(PROCESSES.names()),
}


def _data(batch_size: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    """Images of the Gaussian, draws of times away from both ends, noise."""
    draws = stream(0, "objective")
    x0, noise = MEAN + STD * normal(draws, (batch_size, 1, 4, 4)), normal(draws, (batch_size, 1, 4, 4))
    return x0, 0.1 + 0.65 * torch.from_numpy(draws.random(batch_size, dtype="float32")), noise


def _objective(process: str = "vp", **training: Any) -> Objective:
    return Objective.of(TrainingConfig(process=process, **training))  # type: ignore[arg-type]


def _wrong(x: Tensor, timesteps: Tensor) -> Tensor:
    """A network that is off everywhere."""
    return 0.3 * x.roll(1, -1) + 0.1 + timesteps.view(-1, 1, 1, 1) / 2_000


def _errors(process: str, prediction: str, space: str) -> Tensor:
    """Squared errors (B,) of `_wrong` in ``space``: its output made an image and a noise by solving two equations."""
    x0, u, noise = (each.double() for each in _data())
    t = PROCESSES.get(process).training_times(u)
    alpha, sigma = (value.view(-1, 1, 1, 1) for value in PROCESSES.get(process).marginal(t))
    x_t = alpha * x0 + sigma * noise
    r = (alpha**2 / 4 + sigma**2).sqrt()
    y = _wrong(x_t / r if prediction == "edm" else x_t, PROCESSES.get(process).network_time(t))
    a, b = {
        "eps": (0 * alpha, 1 + 0 * alpha),
        "x0": (1 + 0 * alpha, 0 * alpha),
        "v": (-1 + 0 * alpha, 1 + 0 * alpha) if process == "flow" else (-sigma, alpha),
        "edm": (2 * sigma / r, -alpha / (2 * r)),
    }[prediction]
    rows = torch.stack([torch.stack([alpha, sigma], -1), torch.stack([a, b], -1)], -2)  # (B, 1, 1, 1, 2, 2)
    image, found = torch.linalg.solve(rows, torch.stack([x_t, y], -1).unsqueeze(-1)).squeeze(-1).unbind(-1)
    v_found, v = ((e - i) if process == "flow" else (alpha * e - sigma * i) for e, i in ((found, image), (noise, x0)))
    pairs = {"eps": (found, noise), "x0": (image, x0), "v": (v_found, v)}
    return (pairs[space][0] - pairs[space][1]).square().mean(dim=(1, 2, 3))


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(("process", "prediction"), ALL)
def test_a_loss_in_another_space_is_the_error_there(process: str, prediction: str, space: str) -> None:
    loss = _objective(process, prediction=prediction, loss_space=space).loss(_wrong, Runtime(), *_data())
    assert float(loss) == pytest.approx(float(_errors(process, prediction, space).mean()), rel=2e-4)


@pytest.mark.parametrize("prediction", SPACES)
def test_its_own_space_is_the_default_and_nothing_is_weighed(prediction: str) -> None:
    own, named = (_objective(prediction=prediction, loss_space=space) for space in ("own", prediction))
    assert own == named
    assert own.loss(_wrong, Runtime(), *_data()) == named.loss(_wrong, Runtime(), *_data())
    assert float(own.loss(_wrong, Runtime(), *_data())) == pytest.approx(
        float(_errors("vp", prediction, prediction).mean()), rel=1e-4
    )


@pytest.mark.parametrize("prediction", SPACES)
def test_min_snr_weighs_as_its_paper_says(prediction: str) -> None:
    """Hang et al. (2023): min(SNR, γ) over 1, SNR and SNR + 1 for x₀, ε and v."""
    x0, u, noise = _data()
    alpha, sigma = PROCESSES.get("vp").marginal(u.double())
    snr = (alpha / sigma) ** 2
    paper = snr.clamp(max=5.0) / {"x0": 1, "eps": snr, "v": snr + 1}[prediction]
    assert GAMMA == 5.0 and (snr < 5).any() and (snr > 5).any()
    expected = float((paper * _errors("vp", prediction, prediction)).mean())
    found = _objective(prediction=prediction, weighting="min_snr").loss(_wrong, Runtime(), x0, u, noise)
    assert float(found) == pytest.approx(expected, rel=2e-4)


@pytest.mark.parametrize(("process", "prediction"), ALL)
def test_the_best_network_of_every_kind_has_the_same_loss(process: str, prediction: str) -> None:
    """No gap: in the space of the noise each reaches E Var(ε | x_t), which is known."""
    best = Optimal(PROCESSES.get(process), prediction)
    x0, u, noise = _data(4_096)
    loss = _objective(process, prediction=prediction, loss_space="eps").loss(best, Runtime(), x0, u, noise)
    alpha, sigma = PROCESSES.get(process).marginal(PROCESSES.get(process).training_times(u.double()))
    known = float((alpha**2 * STD**2 / (alpha**2 * STD**2 + sigma**2)).mean())
    assert float(loss) == pytest.approx(known, rel=0.02)
    reference = _objective(process).loss(Optimal(PROCESSES.get(process), "eps"), Runtime(), x0, u, noise)
    assert float(loss) == pytest.approx(float(reference), rel=1e-4)


@pytest.mark.parametrize("prediction", PREDICTIONS.names())
def test_validation_is_the_error_of_the_noise_whatever_is_predicted(prediction: str) -> None:
    settings: dict[str, Any] = {"seed": 0, "images": IMAGES, "runtime": Runtime()}
    process = PROCESSES.get("vp")
    plain = validation_loss(Optimal(process, "eps"), _split(), **settings)
    found = validation_loss(Optimal(process, prediction), _split(), prediction=PREDICTIONS.get(prediction), **settings)
    assert found.levels == pytest.approx(plain.levels, rel=1e-3)


@pytest.mark.parametrize("sampler", SAMPLERS.names())
@pytest.mark.parametrize(("process", "prediction"), ALL)
def test_every_sampler_draws_the_same_images_from_the_best_of_each(sampler: str, process: str, prediction: str) -> None:
    settings: dict[str, Any] = {"count": 3, "shape": (1, 4, 4), "seed": 0, "sampler": sampler, "nfe": 12}
    settings |= {"runtime": Runtime(), "process": PROCESSES.get(process)}
    plain = sample_images(Optimal(PROCESSES.get(process), "eps"), **settings)
    found = sample_images(
        Optimal(PROCESSES.get(process), prediction), prediction=PREDICTIONS.get(prediction), **settings
    )
    assert plain.float().std() > 10 and (found.int() - plain.int()).abs().max() <= 1


# times


def test_times_are_quantiles_of_their_distributions() -> None:
    u = (np.arange(1_000) + 0.5) / 1_000
    drawn = {name: quantile(torch.from_numpy(u), VPSDE()).numpy() for name, quantile in TIMES.items()}
    np.testing.assert_array_equal(drawn["uniform"], u)
    np.testing.assert_allclose(
        np.log(drawn["logit_normal"] / (1 - drawn["logit_normal"])), stats.norm.ppf(u), rtol=1e-9
    )
    np.testing.assert_allclose(drawn["shifted"], 3 * u / (1 + 2 * u), rtol=1e-12)
    for t in drawn.values():
        assert (np.diff(t) > 0).all()


@pytest.mark.parametrize("process", PROCESSES.names())
def test_lognormal_times_have_the_noise_of_edm(process: str) -> None:
    """σ of EDM is σ/α here: log of it is N(−1.2, 1.2²), but for draws beyond the noise that a process has."""
    u = (np.arange(1_000) + 0.5) / 1_000
    t = TIMES["lognormal"](torch.from_numpy(u), PROCESSES.get(process))
    assert (t >= 0).all() and (t < 1).all()
    alpha, sigma = PROCESSES.get(process).marginal(t)
    wanted = -1.2 + 1.2 * stats.norm.ppf(u)
    reached = np.log((sigma / alpha).numpy())
    first, last = (0.0292, 14.6) if process == "sd" else (0, math.inf)  # of 1,000 steps, sqrt(1 / prod(1 - beta) - 1)
    inside = (np.exp(wanted) > first) & (np.exp(wanted) < last)
    assert inside.mean() > 0.97
    np.testing.assert_allclose(reached[inside], wanted[inside], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("process", PROCESSES.names())
@pytest.mark.parametrize("times", TIMES)
def test_the_ends_of_the_stream_are_times_with_finite_losses(times: str, process: str) -> None:
    """0 comes up once in sixteen million float32 draws: more often than in a long training."""
    x0, _, noise = (each[:2] for each in _data())
    u = torch.tensor([0.0, 1 - 2**-24])
    for prediction in PREDICTIONS.names():
        for fields in [{"loss_space": space} for space in ("own", *SPACES)] + [{"weighting": "min_snr"}]:
            objective = _objective(process, prediction=prediction, times=times, **fields)
            assert math.isfinite(objective.loss(_wrong, Runtime(), x0, u, noise)), fields


def test_arms_with_other_times_share_the_draws() -> None:
    asked: dict[str, Tensor] = {}
    for times in TIMES:

        def network(x: Tensor, timesteps: Tensor, name: str = times) -> Tensor:
            asked[name] = timesteps
            return x

        _objective(times=times).loss(network, Runtime(), *_data())
    orders = [asked[name].argsort() for name in TIMES]
    assert all(torch.equal(orders[0], order) for order in orders)
    assert not torch.allclose(asked["uniform"], asked["shifted"])


# training


def test_every_field_has_its_options() -> None:
    for name, options in FIELDS.items():
        for option in options:
            assert getattr(TrainingConfig.from_mapping({name: option}, where="training"), name) == option
        with pytest.raises(ValueError, match=f"training.{name}: expected one of"):
            TrainingConfig.from_mapping({name: "other"}, where="training")


def test_min_snr_leaves_no_room_for_a_space() -> None:
    TrainingConfig(weighting="min_snr").check_recipe("training")
    with pytest.raises(ValueError, match=r"leave training.loss_space=x0 out"):
        TrainingConfig(weighting="min_snr", loss_space="x0").check_recipe("training")


@pytest.mark.parametrize(("field", "option"), [(name, each) for name, options in FIELDS.items() for each in options])
def test_every_option_trains_and_draws_finite_images(field: str, option: str) -> None:
    base = {"prediction": "v"} if field in ("loss_space", "weighting") else {}
    config = TrainingConfig(batch_size=8, lr=1e-3, warmup=0, **base | {field: option})  # type: ignore[arg-type]
    state = TrainState(create_model("uvit-micro/4", image_size=8, channels=1), config, Runtime())
    draws = stream(0, "tiny")
    data = normal(draws, (8, 1, 8, 8)), torch.from_numpy(draws.random(8, dtype="float32")), normal(draws, (8, 1, 8, 8))
    losses = [float(state.train_step(*data)) for _ in range(6)]
    assert all(map(math.isfinite, losses)) and losses[-1] < losses[0]
    plain = TrainState(
        create_model("uvit-micro/4", image_size=8, channels=1),
        dataclasses.replace(config, **{field: getattr(TrainingConfig(), field)}),
        Runtime(),
    )
    same = option in (getattr(TrainingConfig(), field), base.get("prediction"))
    assert (float(plain.train_step(*data)) == losses[0]) == same, "no option is another one's name"
    images = sample_images(
        state.model.eval(), count=2, shape=(1, 8, 8), seed=0, sampler="dpm_solver", nfe=5, runtime=Runtime(),
        prediction=state.objective.prediction, process=state.objective.process,
    )  # fmt: skip
    assert images.shape == (2, 1, 8, 8)


def test_a_smaller_micro_batch_gives_the_same_weighted_step() -> None:
    config = TrainingConfig(batch_size=8, prediction="v", loss_space="eps")
    whole, parts = (
        TrainState(create_model("uvit-micro/4", image_size=8, channels=1), config, Runtime()) for _ in range(2)
    )
    parts.micro_batch = 3
    draws = stream(0, "tiny")
    data = normal(draws, (8, 1, 8, 8)), torch.from_numpy(draws.random(8, dtype="float32")), normal(draws, (8, 1, 8, 8))
    assert float(whole.train_step(*data)) == pytest.approx(float(parts.train_step(*data)), rel=1e-5)
