"""Behaviour of the network: inputs, kernels, checkpointing, hidden states, devices, precision."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

import variants
from tests.variants.data import CLASSES, SMALL, TEXT, UNCONDITIONAL, count, inputs, small
from variants.layers.attention import fused, plain, set_attention_kernel


@pytest.mark.parametrize("variant", [SMALL, f"{SMALL}+time=adaln+skip=add"])
def test_both_attention_kernels_agree(variant: str) -> None:
    model, given = small(variant), inputs(UNCONDITIONAL)
    out = model(**given)
    set_attention_kernel(model, "plain")
    plain = model(**given)
    assert torch.allclose(out, plain, atol=1e-5)
    set_attention_kernel(model, "fused")
    assert torch.equal(model(**given), out)
    with pytest.raises(ValueError, match="unknown attention kernel 'flash'; known: fused, plain"):
        set_attention_kernel(model, "flash")


def test_the_plain_kernel_uses_no_fused_operator() -> None:
    model = small()
    for kernel, expected in (("fused", 5), ("plain", 0)):
        set_attention_kernel(model, kernel)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            model(**inputs(UNCONDITIONAL))
        counts = {event.key: event.count for event in profile.key_averages()}
        assert counts.get("aten::scaled_dot_product_attention", 0) == expected


def test_gradient_checkpointing_changes_memory_only() -> None:
    plain, saving = small(f"{SMALL}+time=adaln"), small(f"{SMALL}+time=adaln")
    saving.gradient_checkpointing = True
    saved: list[int] = []
    sizes = []
    for model in (plain, saving):
        saved.clear()
        with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
            model(**inputs(UNCONDITIONAL)).square().mean().backward()
        sizes.append(sum(saved))
    assert sizes[1] < sizes[0] / 2
    for a, b in zip(plain.parameters(), saving.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)


def test_hidden_states_are_one_per_block_and_leave_no_trace() -> None:
    model, given = small(data=CLASSES), inputs(CLASSES)
    out = model(**given)
    states = model.hidden_states(**given)
    assert [tuple(state.shape) for state in states] == [(2, 2 + 64, 64)] * 5
    assert torch.equal(model.norm(states[-1])[:, 2:], model.norm(model.hidden_states(**given)[-1])[:, 2:])
    assert torch.equal(model(**given), out) and len(states) == 5
    pixels = model.decoder_pred(model.norm(states[-1])[:, 2:])
    assert pixels.shape == (2, 64, 12)


@pytest.mark.parametrize(
    ("data", "change", "reason"),
    [
        (CLASSES, {"y": None}, "this network is conditional: pass labels y of shape \\(2,\\)"),
        (CLASSES, {"y": torch.tensor([0, 5])}, "labels y should lie in 0…4; got 0…5"),
        (CLASSES, {"y": torch.tensor([-1, 0])}, "labels y should lie in 0…4; got -1…0"),
        (CLASSES, {"y": torch.tensor([0.0, 1.0])}, "labels y should be int64; got torch.float32"),
        (CLASSES, {"y": torch.tensor([1])}, "labels y should have shape \\(2,\\); got \\(1,\\)"),
        (CLASSES, {"context": torch.zeros(2, 5, 6)}, "this network takes no context"),
        (TEXT, {"context": None}, "this network is conditional: pass context of shape \\(2, 5, 6\\)"),
        (TEXT, {"context": torch.zeros(2, 4, 6)}, "context should have shape \\(2, 5, 6\\); got \\(2, 4, 6\\)"),
        (UNCONDITIONAL, {"y": torch.tensor([0, 1])}, "this network takes no labels y"),
        (UNCONDITIONAL, {"x": torch.zeros(2, 3, 8, 8)}, "x should have shape \\(2, 3, 16, 16\\); got \\(2, 3, 8, 8\\)"),
        (UNCONDITIONAL, {"timesteps": torch.tensor(1.0)}, "timesteps should have shape \\(2,\\); got \\(\\)"),
    ],
)
def test_wrong_inputs_are_refused_with_the_reason(data: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        small(data=data)(**{**inputs(data), **change})


def test_the_null_label_is_one_more_row() -> None:
    model = small(data=CLASSES)
    assert model.label_emb.num_embeddings == 5
    given = inputs(CLASSES)
    assert not torch.equal(model(**given), model(**{**given, "y": torch.tensor([4, 4])}))


def test_time_labels_and_context_reach_the_output() -> None:
    for data, name, other in [
        (UNCONDITIONAL, "timesteps", torch.tensor([500.0, 1.0])),
        (CLASSES, "y", torch.tensor([2, 3])),
        (TEXT, "context", torch.ones(2, 5, 6)),
    ]:
        model, given = small(data=data), inputs(data)
        assert (model(**given) - model(**{**given, name: other})).abs().max() > 1e-4, name


def test_images_of_a_batch_do_not_see_each_other() -> None:
    for variant in (SMALL, f"{SMALL}+patch_embed=conv_stack+time=adaln+conv_head=before"):
        model, given = small(variant), inputs(UNCONDITIONAL)
        alone = model(x=given["x"][1:], timesteps=given["timesteps"][1:])
        assert torch.allclose(model(**given)[1:], alone, atol=1e-5)


def test_the_optional_time_mlp() -> None:
    config = dataclasses.replace(variants.resolve(SMALL, **UNCONDITIONAL), time_mlp=True)
    model = variants.build(config)
    extra = 64 * 256 + 256 + 256 * 64 + 64
    assert count(model) == count(small()) + extra
    assert not torch.allclose(model(**inputs(UNCONDITIONAL)), small()(**inputs(UNCONDITIONAL)), atol=1e-4)


def test_a_model_copies_and_computes_in_other_precisions() -> None:
    model, given = small(), inputs(UNCONDITIONAL)
    out = model(**given)
    assert torch.equal(copy.deepcopy(model)(**given), out)
    double = copy.deepcopy(model).double()(given["x"].double(), given["timesteps"].double())
    assert double.dtype == torch.float64 and torch.allclose(double.float(), out, atol=1e-4)
    half = copy.deepcopy(model).bfloat16()(given["x"].bfloat16(), given["timesteps"])
    assert half.dtype == torch.bfloat16 and torch.allclose(half.float(), out, atol=0.1)
    whole = torch.tensor([1, 999])
    assert torch.equal(model(given["x"], whole), model(given["x"], whole.float()))


def test_autocast_keeps_the_time_exact() -> None:
    model, given = small(), inputs(UNCONDITIONAL)
    seen: list[torch.Tensor] = []
    model.time_embed.register_forward_hook(lambda _module, _args, out: seen.append(out))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(**given)
    model(**given)
    assert torch.equal(seen[0], seen[1])


def test_meta_has_shapes_and_draws_nothing() -> None:
    before = torch.random.get_rng_state()
    model = variants.create_model("uvit-h/2", image_size=32, channels=4, device="meta")
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
    out = model(torch.empty(2, 4, 32, 32, device="meta"), torch.empty(2, device="meta"))
    assert out.shape == (2, 4, 32, 32) and out.device.type == "meta"
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_config_stands_on_the_model() -> None:
    model = small(f"{SMALL}+skip=add")
    assert model.config == variants.resolve(f"{SMALL}+skip=add", **UNCONDITIONAL)
    assert isinstance(model, nn.Module)


@pytest.mark.parametrize(("heads", "width"), [(1, 8), (2, 4), (4, 8)])
def test_the_written_out_gradient_of_plain_attention_is_right(heads: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    qkv = torch.randn(2, 5, 3 * heads * width, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(lambda value: plain(value, heads), (qkv,))
    upstream = torch.randn(2, 5, heads * width, dtype=torch.float64, generator=generator)
    ours, theirs = (torch.autograd.grad(kernel(qkv, heads), qkv, upstream)[0] for kernel in (plain, fused))
    assert torch.allclose(ours, theirs, atol=1e-12)
    untouched = qkv.detach().clone()
    with torch.no_grad():
        assert torch.equal(plain(qkv, heads), plain(untouched, heads))
    assert torch.equal(qkv.detach(), untouched), "one head: the parts are views of the input, and must not be scaled"
