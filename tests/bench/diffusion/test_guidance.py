"""Guidance: the formula, one pass, and nothing twice where it is off."""

import torch

from bench.diffusion.guidance import guided_output
from variants import create_model

LABELS = torch.tensor([0, 2, 1])


def _network() -> torch.nn.Module:
    model = create_model("uvit-micro/4", image_size=16, channels=3, num_classes=3, null_label=True)
    return model.eval()


def _inputs() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.tensor([1.0, 500.0, 999.0])


@torch.inference_mode()
def test_one_batched_pass_equals_two() -> None:
    model, (x, t) = _network(), _inputs()
    sizes: list[int] = []
    model.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    guided = guided_output(model, x, t, given={"y": LABELS}, null={"y": torch.full((3,), 3)}, scale=0.4)
    assert sizes == [6]
    conditional, unconditional = model(x, t, LABELS), model(x, t, torch.full((3,), 3))
    assert torch.allclose(guided, conditional + 0.4 * (conditional - unconditional), atol=1e-6)
    assert not torch.allclose(guided, conditional, atol=1e-4)


@torch.inference_mode()
def test_without_guidance_only_the_labels_are_asked() -> None:
    model, (x, t) = _network(), _inputs()
    sizes: list[int] = []
    model.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    unguided = guided_output(model, x, t, given={"y": LABELS}, null={}, scale=0.0)
    assert torch.equal(unguided, model(x, t, LABELS))
    assert sizes == [3, 3]
