"""Drawing images: the process decides at which times the network is asked."""

import pytest
import torch
from torch import Tensor, nn

from bench.diffusion import PROCESSES
from bench.diffusion.samplers import dpm_solver
from bench.machine.runtime import Runtime
from bench.random import block_noise
from bench.sampling import sample_images
from bench.training.network import prepare_network
from variants import create_model


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


def test_casts_that_are_kept_change_no_bit_and_reach_no_decoder() -> None:
    """Against a cast of every weight at every evaluation, which is what autocast does in inference mode."""
    runtime, seen = Runtime(precision="bfloat16", attention="plain"), list[Tensor]()
    model = prepare_network(create_model("uvit-micro/4", image_size=16, channels=3), runtime).eval()

    def decode(x: Tensor) -> Tensor:
        assert not torch.is_autocast_enabled("cpu")
        seen.append(x)
        return x

    @torch.inference_mode()
    def noise_pred(x: Tensor, t: Tensor) -> Tensor:
        with runtime.autocast():
            out: Tensor = model(x, 999 * t)
        return out.float()

    sample_images(
        model, count=5, shape=(3, 16, 16), seed=0, sampler="dpm_solver", nfe=4, runtime=runtime, decode=decode,
        batch_size=3,
    )  # fmt: skip
    rows = ((0, 3), (3, 2))
    noise = [block_noise(0, "sample", start=start, count=count, shape=(3, 16, 16)) for start, count in rows]
    assert torch.equal(torch.cat(seen), torch.cat([dpm_solver(noise_pred, x, steps=4) for x in noise]))
