"""The record of a dataset's linear filter: its levels, its id, what it refuses, and its figures on photographs."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from bench.data import Dataset, Split
from bench.data.dataset import Moments
from bench.data.sources import photos
from bench.diffusion import PROCESSES, VPSDE, Process
from bench.diffusion.convergence.gaussian import Gaussian
from bench.diffusion.noise_levels import BINS, LEVELS, level_edges
from bench.linear_filter import linear_filter
from bench.linear_filter.__main__ import main
from bench.linear_filter.losses import NODES, by_level, linear_filter_id
from bench.linear_filter.moments import coefficient_moments
from bench.linear_filter.wiener import COLOURS, WienerFilter
from bench.machine.runtime import Runtime
from bench.training.validation import validation_loss, validation_times
from results import Store
from results.linear_filter import in_bins


def _dataset(training: npt.NDArray[Any], held_out: npt.NDArray[Any] | None, **changes: Any) -> Dataset:
    """A dataset of fixed fingerprints over these images; ``moments`` makes them latents."""
    moments = changes.pop("moments", None)
    splits = [
        None if images is None else Split(name=f"toy:{name}", fingerprint=digit * 64, images=images, moments=moments)
        for name, digit, images in (("train", "1", training), ("held_out", "2", held_out))
    ]
    assert splits[0] is not None
    channels, size = splits[0].shape[:2]
    fields: dict[str, Any] = {
        "name": "toy",
        "train": splits[0],
        "held_out": splits[1],
        "num_classes": 0,
        "channels": channels,
        "image_size": size,
        "flip": False,
        "fingerprint": "5a" * 32,
        "card": {"name": "toy", "image_size": size},
    }
    return Dataset(**fields | changes)


def _noise(count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 4, 4), dtype=np.uint8)


def _uneven(count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Brighter to the right, and smooth along a row."""
    rows = np.random.default_rng(seed).standard_normal((count, 1, 4, 4)).cumsum(-1)
    return (60 + 40 * np.arange(4) + 20 * rows).round().clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def toy() -> Dataset:
    return _dataset(_noise(60), _noise(20, 1))


def test_the_id_is_the_same_for_ever(toy: Dataset) -> None:
    assert linear_filter_id(toy, VPSDE(), COLOURS["by frequency"]) == "172194e2c1d1fa44"
    assert linear_filter(toy, VPSDE()).linear_filter_id == "172194e2c1d1fa44"


@pytest.mark.parametrize(
    "change",
    [
        lambda toy: dataclasses.replace(toy, fingerprint="5b" * 32),
        lambda toy: dataclasses.replace(toy, train=dataclasses.replace(toy.train, fingerprint="3" * 64)),
        lambda toy: dataclasses.replace(toy, held_out=dataclasses.replace(toy.held_out, fingerprint="3" * 64)),
        lambda toy: dataclasses.replace(toy, flip=True),
    ],
    ids=["dataset", "train", "held_out", "flip"],
)
def test_other_images_have_another_id(toy: Dataset, change: Callable[[Dataset], Dataset]) -> None:
    basis = COLOURS["by frequency"]
    own = linear_filter_id(toy, VPSDE(), basis)
    assert linear_filter_id(change(toy), VPSDE(), basis) != own
    assert linear_filter_id(toy, PROCESSES.get("sd"), basis) != own
    assert linear_filter_id(toy, VPSDE(), COLOURS["shared"]) != own
    assert linear_filter_id(dataclasses.replace(toy, name="renamed", card={}), VPSDE(), basis) == own


@pytest.mark.parametrize("process", PROCESSES.names())
def test_a_record_says_what_was_measured_on_what(toy: Dataset, process: str, tmp_path: Path) -> None:
    record = linear_filter(toy, PROCESSES.get(process))
    assert (record.process, record.training_images, record.held_out_images) == (process, 60, 20)
    assert (record.training_fingerprint, record.held_out_fingerprint) == ("1" * 64, "2" * 64)
    assert record.dataset == toy.card
    assert record.levels == LEVELS
    assert record.edges == pytest.approx(level_edges())
    assert record.log_snr == sorted(record.log_snr, reverse=True)
    assert all(0 < loss < 1 for loss in record.loss)
    assert set(record.provenance["versions"]) >= {"numpy", "scipy"}
    store = Store(tmp_path)
    store.write_linear_filter(record)
    assert store.linear_filters() == ([record], [])


@pytest.mark.parametrize("process", PROCESSES.names())
def test_losses_on_white_gaussian_data_are_the_exact_ones(process: str) -> None:
    gaussian = Gaussian(process=PROCESSES.get(process))
    values = np.full((5, 4, 4, 4), gaussian.mean, np.float32)
    values[:, 2:] = 2 * np.log(gaussian.std)
    record = linear_filter(_dataset(values, values, moments=Moments(scale=1.0)), gaussian.process)
    for level, (low, high) in enumerate(zip(record.edges[:-1], record.edges[1:], strict=True)):
        t = gaussian.process.training_times(low + (high - low) * (np.arange(20_000) + 0.5) / 20_000)
        alpha, sigma = gaussian.process.marginal(t)
        best = alpha**2 * gaussian.std**2 / (alpha**2 * gaussian.std**2 + sigma**2)
        copied = alpha**2 * (gaussian.mean**2 + gaussian.std**2) + (1 - sigma) ** 2
        assert record.loss[level] == pytest.approx(best.mean(), rel=1e-3)
        assert record.input_loss[level] == pytest.approx(copied.mean(), rel=1e-3)


def test_giving_back_the_noisy_image_scores_what_it_scores_on_noised_images(toy: Dataset) -> None:
    assert toy.held_out is not None
    record, x0 = linear_filter(toy, VPSDE()), toy.held_out.images / 127.5 - 1
    generator = np.random.default_rng(5)
    for level in (0, 7, 19):
        t = generator.uniform(*record.edges[level : level + 2], size=(2_000, 1, 1, 1, 1))
        alpha, sigma = VPSDE().marginal(t)
        eps = generator.standard_normal((2_000, *x0.shape))
        losses = np.square(alpha * x0 + sigma * eps - eps).mean(axis=(1, 2, 3, 4))
        error = losses.std(ddof=1) / np.sqrt(len(losses))
        assert abs(losses.mean() - record.input_loss[level]) < 4 * error


class Network(nn.Module):
    """The filter as a network that validation can ask."""

    def __init__(self, wiener: WienerFilter, process: Process) -> None:
        super().__init__()
        self.wiener, self.process = wiener, process

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        """One image at a time: each has its own time."""
        times = timesteps.double() / float(self.process.network_time(1.0))
        alphas, sigmas = self.process.marginal(times)
        rows = [
            self.wiener.noise(y[None].double().numpy(), float(alpha), float(sigma))
            for y, alpha, sigma in zip(x, alphas, sigmas, strict=True)
        ]
        return torch.from_numpy(np.concatenate(rows)).float()


@pytest.mark.parametrize("name", PROCESSES.names())
def test_validation_of_the_filter_as_a_network_gives_the_record(name: str) -> None:
    """Times are even, so only the noise of 1,500 images of 16 values is left.

    It moves a level by 0.2 to 1.5% between seeds (standard deviation of six; 2% in the last of ``flow``), hence 4%.
    """
    process = PROCESSES.get(name)
    dataset, images = _dataset(_uneven(400), _uneven(1_500, 1)), 1_500
    assert dataset.held_out is not None
    network = Network(WienerFilter.of(coefficient_moments(dataset.train)), process)
    found = validation_loss(
        network, dataset.held_out, seed=0, images=images, levels=LEVELS, runtime=Runtime(), process=process
    )
    record = linear_filter(dataset, process)
    assert found.levels == pytest.approx(record.loss, rel=0.04)
    bins = [found.scores()[f"val_loss_bin{number + 1}"] for number in range(BINS)]
    assert bins == pytest.approx(in_bins(record.loss), rel=0.02)
    assert found.scores()["val_loss"] == pytest.approx(record.mean, rel=0.01)


def test_validation_of_the_filter_at_five_levels_gives_the_bins_of_the_times_drawn() -> None:
    process = VPSDE()
    dataset, images = _dataset(_uneven(400), _uneven(1_500, 1)), 1_500
    assert dataset.held_out is not None
    wiener = WienerFilter.of(coefficient_moments(dataset.train))
    spectrum = wiener.spectrum_of(coefficient_moments(dataset.held_out))
    losses = validation_loss(Network(wiener, process), dataset.held_out, seed=0, images=images, runtime=Runtime())
    alphas, sigmas = process.marginal(process.training_times(validation_times(0, images).astype(np.float64)))
    for number in range(BINS):
        drawn = zip(alphas[number], sigmas[number], strict=True)  # the loss at the very times that validation drew
        expected = np.mean([wiener.loss(spectrum, float(alpha), float(sigma)) for alpha, sigma in drawn])
        assert losses.levels[number] == pytest.approx(expected, rel=0.025)
    # the draw of 1,500 times alone moves the cleanest bin by 2% between seeds
    assert losses.levels == pytest.approx(in_bins(linear_filter(dataset, process).loss), rel=0.06)


def test_training_that_mirrors_sees_mirror_images() -> None:
    images, held_out = _uneven(50), _uneven(20, 1)
    mirrored = linear_filter(_dataset(images, held_out, flip=True), VPSDE())
    doubled = linear_filter(_dataset(np.concatenate([images, images[..., ::-1]]), held_out), VPSDE())
    assert mirrored.loss == pytest.approx(doubled.loss, rel=1e-9)
    assert mirrored.loss != pytest.approx(linear_filter(_dataset(images, held_out), VPSDE()).loss, rel=1e-2)
    assert mirrored.training_images == 50


def test_a_discrete_process_is_asked_once_a_step() -> None:
    asked = list[float]()
    sd = PROCESSES.get("sd")
    by_level(lambda alpha, sigma: asked.append(sigma) or sigma, sd)  # type: ignore[func-returns-value]
    assert len(asked) == len(set(asked)) == 998  # of 1,000 steps, the first and the last lie outside the levels


def test_more_nodes_change_nothing_that_is_shown(toy: Dataset) -> None:
    def loss(alpha: float, sigma: float) -> float:
        return float(0.01 * alpha**2 / (0.01 * alpha**2 + sigma**2))

    few, many = (by_level(loss, VPSDE(), nodes) for nodes in (NODES, 8 * NODES))
    assert few == pytest.approx(many, rel=1e-4)


def test_what_makes_no_filter_is_refused_in_one_line(toy: Dataset) -> None:
    with pytest.raises(ValueError, match=r"^dataset toy: a linear filter is measured on held-out images"):
        linear_filter(dataclasses.replace(toy, held_out=None), VPSDE())
    with pytest.raises(ValueError, match=r"^toy:train: expected training images that differ, got 9 equal ones"):
        linear_filter(_dataset(np.full((9, 1, 4, 4), 77, np.uint8), _noise(5)), VPSDE())
    with pytest.raises(ValueError, match=r"^process vp: expected the registered one of this name"):
        linear_filter(toy, VPSDE(beta_max=10))


@pytest.fixture(scope="module")
def photographs() -> Dataset:
    files = photos.read_files(photos.wheel_folder())
    pixels = {name: photos.pixels_of(data) for name, data in files.items()}
    splits = [photos.build_split(pixels, *each).images for each in (("train", 4_200), ("held_out", 1_400))]
    return _dataset(*splits)


def test_figures_on_photographs(photographs: Dataset) -> None:
    """Those of a separate writing: other crops of the same photographs, one PCA of the colours of all frequencies."""
    record = linear_filter(photographs, VPSDE(), colours="shared")
    assert in_bins(record.loss) == pytest.approx([0.1247, 0.0172, 0.0047, 0.0010, 0.0001], rel=0.02, abs=5e-5)
    assert record.mean == pytest.approx(0.0296, rel=0.02)
    assert in_bins(record.input_loss) == pytest.approx([0.829, 0.219, 0.0372, 0.0036, 0.0002], rel=0.02, abs=5e-5)


def test_on_photographs_colours_by_frequency_gain_four_percent(photographs: Dataset) -> None:
    own, shared = (linear_filter(photographs, VPSDE(), colours=colours) for colours in COLOURS)
    assert own.mean / shared.mean == pytest.approx(0.956, abs=0.01)
    assert all(a < b for a, b in zip(own.loss[:12], shared.loss[:12], strict=True))


def test_the_command_prints_the_table_and_keeps_the_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "toy.npz", images=_noise(80).transpose(0, 2, 3, 1))
    name = f"npz:{tmp_path / 'toy.npz'}"
    assert main([name, "--out", str(tmp_path / "out")]) == 0
    (record,), problems = Store(tmp_path / "out").linear_filters()
    assert (record.training_images, record.held_out_images, problems) == (72, 8, [])
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("npz:toy, 4 pixels, process vp: 72 training and 8 held-out images")
    assert printed[5].split() == ["linear", "filter", *(f"{x:.5f}" for x in [*in_bins(record.loss), record.mean])]
    assert len(printed) == 7 + 1 + LEVELS + 1
    assert main([name, "--process", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("linear_filter: unknown process")


def test_the_command_needs_no_torch(tmp_path: Path) -> None:
    np.savez(tmp_path / "toy.npz", images=_noise(80).transpose(0, 2, 3, 1))
    code = f"import sys; from bench.linear_filter.__main__ import main; main(['npz:{tmp_path}/toy.npz']); "
    done = subprocess.run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], check=False)
    assert done.returncode == 0
