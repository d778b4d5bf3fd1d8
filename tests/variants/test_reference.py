"""The network against a second, independent writing of U-ViT as one function of its weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.variants.data import CLASSES, TEXT, UNCONDITIONAL, inputs, small
from tests.variants.official_network import forward
from variants.official import to_official


@pytest.mark.parametrize("variant", ["uvit-micro/2", "uvit-nano/4+depth=7", "uvit-micro/4+conv_head=none"])
@pytest.mark.parametrize("data", [UNCONDITIONAL, CLASSES, TEXT], ids=["unconditional", "classes", "text"])
def test_the_network_equals_a_second_writing(variant: str, data: dict[str, Any]) -> None:
    model = small(variant, data=data)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():  # away from the start, where biases are 0 and norms 1
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
        given = inputs(data)
        second = forward(to_official(model), **given, heads=model.config.num_heads)
        assert torch.allclose(model(**given), second, atol=1e-5, rtol=1e-4)
