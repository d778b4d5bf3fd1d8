"""Drawing images: the process decides at which times the network is asked."""

import pytest
import torch
from torch import Tensor, nn

from bench.diffusion import PROCESSES
from bench.machine.runtime import Runtime
from bench.sampling import sample_images


class Known(nn.Module):
    """Answers with a constant, and remembers when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.times = list[float]()

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        self.times.append(float(timesteps[0]))
        return torch.full_like(x, 0.1)


@pytest.mark.parametrize(("process", "first"), [("vp", 999.0), ("sd", 1000.0)])
def test_the_network_is_asked_at_the_times_of_the_process(process: str, first: float) -> None:
    model = Known()
    images = sample_images(
        model, count=3, shape=(1, 4, 4), seed=0, sampler="dpm_solver_pp", nfe=5, runtime=Runtime(),
        process=PROCESSES.get(process), batch_size=3,
    )  # fmt: skip
    assert images.shape == (3, 1, 4, 4)
    assert len(model.times) == 5
    assert model.times[0] == pytest.approx(first)
