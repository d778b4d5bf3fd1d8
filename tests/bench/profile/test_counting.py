"""Parameters and MACs: three methods, the paper's figures, and what they say when they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.profile.closed_form.forms import closed_form
from bench.profile.counting import REFERENCE, counts, difference
from bench.profile.fvcore_count import fvcore_forward
from bench.profile.macs import count, flop_counter_train
from bench.profile.parts import by_part, part_of
from variants import AXES, FAMILIES, Axis, Family, ModelConfig, Option, resolve

SMALL = {"image_size": 16, "channels": 3}
CIFAR10 = {"image_size": 32, "channels": 3}
LATENTS = {"image_size": 32, "channels": 4, "num_classes": 1000, "null_label": True}
COCO = {"image_size": 16, "channels": 4, "context_tokens": 7, "context_dim": 24}

CASES: list[tuple[str, dict[str, Any]]] = [
    ("uvit-micro/4", SMALL),  # parts are compared one by one, so a case may stand for an option of several axes
    ("uvit-micro/4+skip=linear_sum+time=adaln", SMALL),
    ("uvit-micro/4+skip=linear_skip+conv_head=before", SMALL),
    ("uvit-micro/4+skip=add+conv_head=none+pos_embed=sincos_2d", SMALL),
    ("uvit-micro/4+skip=none+patch_embed=conv_stack+pos_embed=none", SMALL),
    ("uvit-micro/4+depth=7+width=96", SMALL),
    ("uvit-micro/1+patch_embed=conv_stack", SMALL),
    ("uvit-micro/4", SMALL | {"num_classes": 10}),
    ("uvit-micro/4", COCO),
    ("dit-s/4+width=64+depth=3", SMALL | {"num_classes": 10}),
    ("dit-s/2+width=64+depth=2+mlp_hidden=72", SMALL),
    ("genvit/4+width=64+depth=3", SMALL | {"num_classes": 10}),
    ("unet-cifar10+width=8+depth=1", SMALL),
    ("unet-cifar10+width=6+deep_width=20", SMALL | {"num_classes": 10}),
]


@pytest.mark.parametrize(("variant", "data"), CASES, ids=lambda value: str(value)[:40])
def test_three_methods_agree_in_every_part(variant: str, data: dict[str, Any]) -> None:
    found = counts(resolve(variant, **data))
    assert found["differs"] == {}
    flop_counter = found["methods"][REFERENCE]
    for method in found["methods"].values():
        assert (method["macs"], method["by_part"]) == (flop_counter["macs"], flop_counter["by_part"])
    formula = found["methods"]["closed_form"]
    assert found["train_macs"] == {"macs": formula["train_macs"], "checkpointed": formula["checkpointed"]}
    assert sum(found["params_by_part"].values()) == found["params"]
    assert "other" not in found["macs_by_part"]


def test_a_time_mlp_is_in_the_formula() -> None:
    import dataclasses

    for variant in ("uvit-micro/4", "uvit-micro/4+time=adaln"):
        config = dataclasses.replace(resolve(variant, **SMALL), time_mlp=True)
        assert closed_form(config).macs == count(config)[1]
        assert closed_form(config).train_macs() == flop_counter_train(config).macs


@pytest.mark.parametrize(
    ("variant", "data", "gmacs", "mparams"),
    [("uvit-s/2", CIFAR10, 12.20, 44.26), ("uvit-h/2", LATENTS, 133.20, 500.83)],
)
def test_the_papers_figures(variant: str, data: dict[str, Any], gmacs: float, mparams: float) -> None:
    config = resolve(variant, **data)
    params, macs = count(config)
    assert round(macs / 1e9, 2) == gmacs == round(closed_form(config).macs / 1e9, 2)
    assert round(params / 1e6, 2) == mparams


def test_fvcore_counts_s_2_as_the_paper_does() -> None:
    by_module, uncounted = fvcore_forward(resolve("uvit-s/2", **CIFAR10))
    assert round(by_module[""] / 1e9, 2) == 12.20
    assert uncounted == []


def test_the_largest_network_is_counted_without_memory() -> None:
    config = resolve("uvit-h/4", image_size=64, channels=4, num_classes=1000, null_label=True)
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert flop_counter_train(config, gradient_checkpointing=True).macs == closed_form(config).train_macs(
        gradient_checkpointing=True
    )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB; its weights alone take 2 GB


class Squared(nn.Module):
    """An attention that fvcore and the closed form do not know."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        q, k, v = self.qkv(h).chunk(3, dim=-1)
        return nn.functional.scaled_dot_product_attention(q, k, v) + torch.cdist(q, k) @ v


@pytest.fixture
def odd_axis() -> Iterator[None]:
    option = Option(name="squared", formula="softmax(qk)v + |q-k|v", build=lambda config: Squared(config.embed_dim))
    standard = Option(name="softmax", formula="softmax(qk)v")
    AXES.register("attention", Axis(name="attention", question="?", default="softmax", options=(standard, option)))
    yield
    AXES._entries.pop("attention")


def test_a_plugins_layer_has_no_closed_form_and_the_record_says_so(odd_axis: None) -> None:
    found = counts(resolve("uvit-micro/4+attention=squared", **SMALL))
    assert found["methods"]["closed_form"] == {"macs": None, "why": "attention=squared has no closed form"}
    assert found["differs"]["closed_form"] == "attention=squared has no closed form"
    assert found["macs"] > 0
    # fused attention was counted by our handler; the distance, which is no product, is named
    assert "aten::cdist" in found["methods"]["fvcore"]["uncounted"]
    assert found["methods"]["fvcore"]["by_part"] == found["macs_by_part"]


class Pooled(nn.Module):
    """A rival without long skips, parts' names or gradient checkpointing."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.conv = nn.Conv2d(config.channels, config.channels, 3, padding=1)

    def forward(self, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None) -> Tensor:
        return self.conv(x)


def test_a_rival_family_is_counted_without_a_formula() -> None:
    import dataclasses

    FAMILIES.register("pooled", Family(name="pooled", about="", build=Pooled))
    try:
        found = counts(dataclasses.replace(resolve("uvit-micro/4", **SMALL), family="pooled"))
    finally:
        FAMILIES._entries.pop("pooled")
    assert found["differs"] == {"closed_form": "family pooled has no closed form"}
    assert found["macs"] == found["conv_macs"] == 9 * 3 * 3 * 16 * 16
    assert found["macs_by_part"] == {"other": found["macs"]}
    assert found["train_macs"] == {"macs": 2 * found["macs"], "checkpointed": None}


def test_methods_that_differ_are_named_with_the_part_and_the_reason() -> None:
    reference = {"macs": 1000 * 10**9, "by_part": {"mlp": 900 * 10**9, "skips": 100 * 10**9}}
    assert difference(reference, reference) is None
    near = {"macs": 1009 * 10**9, "by_part": {"mlp": 909 * 10**9, "skips": 100 * 10**9}, "uncounted": ["aten::x"]}
    assert difference(near, reference) is None
    far = {"macs": 985 * 10**9, "by_part": {"mlp": 885 * 10**9, "skips": 100 * 10**9}, "uncounted": ["aten::x"]}
    why = difference(far, reference)
    assert why == "total 985.000 G against 1000.000 G, mlp 885.000 G against 900.000 G; not counted: aten::x"
    swapped = {"macs": 1000 * 10**9, "by_part": {"mlp": 880 * 10**9, "skips": 120 * 10**9}}
    assert "skips 120.000 G against 100.000 G" in str(difference(swapped, reference))


def test_parts_take_what_lies_outside_their_children() -> None:
    inclusive = {"": 100, "in_blocks.0": 90, "in_blocks.0.attn": 50, "in_blocks.0.attn.qkv": 30, "odd": 4}
    assert by_part(inclusive) == {"attention_matmuls": 20, "attention_linear": 30, "other": 50}
    assert [part_of(name) for name in ("", "out_blocks.3.skip_linear.linear", "norm", "out_blocks.3.norm2")] == [
        "other",
        "skips",
        "norm",
        "norm",
    ]
