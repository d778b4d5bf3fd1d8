"""Official weights: recognised from their shapes, equal in function, back again bit for bit, refused in one line."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import variants
from tests.variants.data import CLASSES, UNCONDITIONAL, inputs, small
from tests.variants.official_network import Weights, forward, shapes, state_dict

S = {"embed_dim": 512, "depth": 12, "patch_size": 2, "img_size": 32}
M = {"embed_dim": 768, "depth": 16, "patch_size": 4, "img_size": 64, "num_classes": 1000}
L = {"embed_dim": 1024, "depth": 20, "in_chans": 4, "num_classes": 1001}
H = {"embed_dim": 1152, "depth": 28, "in_chans": 4, "num_classes": 1001, "conv": False}
COCO = {**S, "in_chans": 4, "clip_dim": 768}
LATENT_256, LATENT_512 = {"patch_size": 2, "img_size": 32}, {"patch_size": 4, "img_size": 64}
GUIDED = {"num_classes": 1000, "null_label": True}

# the ten published files: the arguments of their official constructors, and our variant on its data
PUBLISHED = {
    "cifar10_uvit_small": (S, "uvit-s/2", 32, 3, {}),
    "celeba64_uvit_small": ({**S, "patch_size": 4, "img_size": 64}, "uvit-s/4", 64, 3, {}),
    "imagenet64_uvit_mid": (M, "uvit-m/4", 64, 3, {"num_classes": 1000}),
    "imagenet64_uvit_large": ({**M, "embed_dim": 1024, "depth": 20}, "uvit-l/4", 64, 3, {"num_classes": 1000}),
    "imagenet256_uvit_large": (L | LATENT_256, "uvit-l/2", 32, 4, GUIDED),
    "imagenet256_uvit_huge": (H | LATENT_256, "uvit-h/2", 32, 4, GUIDED),
    "imagenet512_uvit_large": (L | LATENT_512, "uvit-l/4", 64, 4, GUIDED),
    "imagenet512_uvit_huge": (H | LATENT_512, "uvit-h/4", 64, 4, GUIDED),
    "mscoco_uvit_small": (COCO, "uvit-s/2", 32, 4, {"context_tokens": 77, "context_dim": 768}),
    "mscoco_uvit_small_deep": (
        {**COCO, "depth": 16},
        "uvit-s-deep/2",
        32,
        4,
        {"context_tokens": 77, "context_dim": 768},
    ),
}

SMALL: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "unconditional": ({}, {}),
    "classes": ({"num_classes": 11, "patch_size": 4}, {}),
    "classes and null label": ({"num_classes": 11, "in_chans": 4}, {"null_label": True}),
    "text": ({"clip_dim": 6, "num_clip_token": 5}, {"context_tokens": 5}),
    "77 tokens": ({"clip_dim": 6, "in_chans": 4}, {}),
    "no final conv": ({"conv": False}, {}),
    "no skips": ({"skip": False, "num_classes": 3}, {}),
    "time mlp": ({"mlp_time_embed": True, "clip_dim": 6}, {}),
    "nothing but the time mlp": ({"mlp_time_embed": True, "skip": False, "conv": False, "mlp_ratio": 2}, {}),
    "two heads": ({"embed_dim": 128, "depth": 7}, {}),
    "told heads": ({"embed_dim": 48}, {"num_heads": 3}),
}


def official(**arguments: Any) -> Weights:
    return state_dict(shapes(**arguments))


def given(model: Any) -> dict[str, Tensor]:
    config = model.config
    names = ("image_size", "channels", "num_classes", "context_tokens", "context_dim")
    return inputs({name: getattr(config, name) for name in names})


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_files_are_recognised(name: str) -> None:
    from variants.official.convert import check_fit
    from variants.official.shapes import Told, infer

    arguments, variant, image_size, channels, data = PUBLISHED[name]
    found = shapes(**arguments)
    config = infer(found, Told())
    assert config == variants.resolve(variant, image_size=image_size, channels=channels, **data)
    assert variants.name_of(config) == variant
    check_fit(found, config)


@pytest.mark.parametrize("case", SMALL)
def test_the_network_computes_what_the_official_one_does(case: str) -> None:
    arguments, told = SMALL[case]
    weights = official(**arguments)
    model = variants.official.load(weights, **told)
    batch = given(model)
    with torch.no_grad():
        expected = forward(weights, **batch, heads=model.config.num_heads)
        assert expected.std() > 0.1
        assert torch.allclose(model(**batch), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("case", SMALL)
def test_there_and_back_is_exact(case: str) -> None:
    arguments, told = SMALL[case]
    weights = official(**arguments)
    model = variants.official.load(weights, **told)
    back = variants.official.to_official(model)
    assert back.keys() == weights.keys()
    assert all(torch.equal(back[name], weights[name]) for name in weights)
    again = variants.official.load(back, **told)
    assert again.config == model.config
    assert all(parameter.requires_grad and parameter.device.type == "cpu" for parameter in again.parameters())


@pytest.mark.parametrize("head_init", ["dirac", "zero"])
def test_how_the_head_started_is_not_what_it_is(head_init: str) -> None:
    model = variants.create_model(f"uvit-s/2+depth=3+width=64+head_init={head_init}", image_size=16, channels=3)
    again = variants.official.load(variants.official.to_official(model))
    assert again.config == model.config.without_slot("head_init")
    ours, theirs = model.state_dict(), again.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_loading_copies() -> None:
    weights = official()
    model = variants.official.load(weights)
    weights["norm.weight"].zero_()
    assert dict(model.named_parameters())["norm.weight"].abs().min() > 0


def test_configurations_of_the_small_cases() -> None:
    def config(case: str) -> Any:
        arguments, told = SMALL[case]
        return variants.official.load(official(**arguments), **told).config

    assert (config("classes").num_classes, config("classes").null_label) == (11, False)
    assert (config("classes and null label").num_classes, config("classes and null label").null_label) == (10, True)
    assert (config("text").context_tokens, config("text").image_size) == (5, 16)
    assert (config("77 tokens").context_tokens, config("77 tokens").image_size) == (77, 16)
    bare = config("nothing but the time mlp")
    assert (bare.time_mlp, bare.slot("skip"), bare.slot("conv_head"), bare.mlp_hidden) == (True, "none", "none", 128)
    assert (config("two heads").num_heads, config("two heads").depth) == (2, 7)
    assert variants.name_of(config("two heads")) == "uvit-s/2+depth=7+width=128"


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("nest", ["flat", "ema", "state_dict", "module.", "two networks", "half"])
def test_files_however_nested(nest: str, suffix: str, tmp_path: Path) -> None:
    weights, other, path = official(), state_dict(shapes(), seed=1), tmp_path / f"weights{suffix}"
    content: dict[str, Any] = {
        "flat": weights,
        "ema": {"step": 3, "nnet": other, "ema": weights},
        "state_dict": {"state_dict": {"model": weights}},
        "module.": {f"module.{name}": value for name, value in weights.items()},
        "two networks": {f"{side}.{n}": v for side, w in (("nnet", other), ("ema", weights)) for n, v in w.items()},
        "half": {name: value.half() for name, value in weights.items()},
    }[nest]
    if suffix == ".pth":
        torch.save(content, path)
    elif nest in ("ema", "state_dict"):
        pytest.skip("safetensors files are flat")
    else:
        save_file(content, path)
    back = variants.official.to_official(variants.official.load(path))
    tolerance = {"atol": 1e-2} if nest == "half" else {"atol": 0.0, "rtol": 0.0}
    assert all(torch.allclose(back[name], weights[name], **tolerance) for name in weights)
    assert all(value.dtype == torch.float32 for value in back.values())


def test_saved_files_keep_what_shapes_do_not_tell(tmp_path: Path) -> None:
    model = small("uvit-nano/4", data=CLASSES)
    assert model.config.num_heads == 4 and model.config.null_label
    path = tmp_path / "new" / "folder" / "nano.safetensors"
    variants.official.save(model, path)
    assert variants.official.load(path).config == model.config
    assert variants.official.load(path, null_label=False).config.num_classes == model.config.num_classes + 1
    variants.official.save(model, path.with_suffix(".pth"))
    assert torch.load(path.with_suffix(".pth"), weights_only=True).keys() == shapes(num_classes=5).keys()
    assert variants.official.load(path.with_suffix(".pth")).config.num_heads == 2
    assert sorted(each.name for each in path.parent.iterdir()) == ["nano.pth", "nano.safetensors"]


def changed(**changes: Any) -> Weights:
    weights = official(num_classes=3)
    for name, value in changes.items():
        weights[name.replace("__", ".")] = value
    return weights


def without(*names: str) -> Weights:
    return {name: value for name, value in official().items() if name not in names}


WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "empty": ({}, {}, "the state dict: not the weights of a baofff/U-ViT network"),
    "another network": ({"conv1.weight": torch.zeros(3, 3)}, {}, "there is no tensor 'patch_embed.proj.weight'"),
    "nested too deep": ({"ema": {"ema": {"ema": {"ema": {"ema": official()}}}}}, {}, "no tensor"),
    "no positions": (without("pos_embed"), {}, "there is no tensor 'pos_embed'"),
    "a layer short": (without("in_blocks.1.mlp.fc2.bias"), {}, "1 tensors .* missing, 'in_blocks.1.mlp.fc2.bias'"),
    "a block short": (without("in_blocks.1.norm1.weight"), {}, "as many in_blocks as out_blocks"),
    "one too many": (changed(blocks__0=torch.zeros(2)), {}, "1 tensors belong to no U-ViT .*'blocks.0'"),
    "a wrong shape": (changed(norm__bias=torch.zeros(63)), {}, r"'norm.bias' should have shape \(64,\) .*got \(63,\)"),
    "a flat weight": (changed(pos_embed=torch.zeros(64)), {}, r"'pos_embed' should have 3 dimensions; got shape"),
    "a scalar": (changed(label_emb__weight=torch.tensor(1.0)), {}, r"'label_emb.weight' should have 2 dimensions"),
    "no square": (changed(pos_embed=torch.zeros(1, 65, 64)), {}, "65 rows, 2 of them extra: 63 patches"),
    "wrong context": (official(clip_dim=6), {"context_tokens": 5}, "136 patches fill no square; is context_tokens=5"),
    "no context": (official(clip_dim=6), {"context_tokens": 0}, "context_tokens: expected at least 1, got 0"),
    "context unasked": (official(), {"context_tokens": 77}, "context_tokens: these weights take no context"),
    "null label unasked": (official(), {"null_label": True}, "null_label: these weights have no labels"),
    "heads": (official(), {"num_heads": 5}, "width 64 does not divide into 5 heads"),
    "heads untold": (official(embed_dim=48), {}, "width 48 is no multiple of 64: give num_heads"),
    "qkv bias": (changed(mid_block__attn__qkv__bias=torch.zeros(192)), {}, "qkv biases"),
    "text and labels": (changed(context_embed__weight=torch.zeros(64, 6)), {}, "labels and context"),
    "not finite": (changed(norm__bias=torch.full((64,), torch.nan)), {}, "'norm.bias' holds numbers .* not finite"),
    "integers": (changed(norm__bias=torch.zeros(64, dtype=torch.int64)), {}, "'norm.bias' should be .*torch.int64"),
    "no tensor": (changed(norm__bias=[0.0]), {}, "'norm.bias' should be a tensor .*got list"),
    "added skips": (changed(out_blocks__0__skip_linear__weight=torch.zeros(64, 64)), {}, "should have shape"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_weights_are_refused_in_one_line(case: str) -> None:
    source, told, reason = WRONG[case]
    with pytest.raises(ValueError, match=reason) as error:
        variants.official.load(source, **told)
    assert "\n" not in str(error.value)


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("this would have run",))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("damage", ["empty", "noise", "cut", "text", "code", "list"])
def test_damaged_files_are_refused_in_one_line(damage: str, suffix: str, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / f"weights{suffix}"
    variants.official.save(small("uvit-micro/4"), path)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "noise": bytes(range(256)) * 20,
            "cut": whole[: len(whole) // 2],
            "text": b"<html>Google Drive quota exceeded</html>",
            "code": pickle.dumps(Evil()),
            "list": pickle.dumps([1, 2]),
        }[damage]
    )
    with pytest.raises(ValueError, match=f"weights{suffix}") as error:
        variants.official.load(path)
    assert "\n" not in str(error.value)
    assert not capsys.readouterr().out


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file .*nothing\.pth"):
        variants.official.load(tmp_path / "nothing.pth")
    with pytest.raises(ValueError, match="is a folder; give the file in it"):
        variants.official.load(tmp_path)


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        ("uvit-micro/4+skip=add", "skip=add has no official form"),
        ("uvit-micro/4+time=adaln", "time=adaln has no official form"),
        ("uvit-micro/4+pos_embed=sincos_2d", "pos_embed=sincos_2d has no official form"),
        ("uvit-micro/4+patch_embed=conv_stack", "patch_embed=conv_stack has no official form"),
        ("uvit-micro/4+conv_head=before", "conv_head=before has no official form"),
        ("dit-s/4+depth=1+width=64", "a dit has no official form"),
    ],
)
def test_what_the_official_code_lacks_is_not_exported(variant: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=reason):
        variants.official.save(small(variant), tmp_path / "weights.pth")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "variant",
    [
        "uvit-s/2",
        "uvit-h/4",
        "uvit-h/2+conv_head=after",
        "uvit-micro/2+mlp_hidden=40+num_heads=4+skip=none+time_embed=mlp",
        "uvit-nano/4+width=96",
        "uvit-s/2+depth=9+time=adaln",
        "uvit-s/2+head_init=dirac",
        "uvit-h/2+head_init=zero",
        "dit-s/2+depth=3",
        "genvit/4",
        "unet-cifar10",
    ],
)
def test_a_config_knows_its_name(variant: str) -> None:
    config = variants.resolve(variant, **UNCONDITIONAL)
    name = variants.name_of(config)
    assert variants.resolve(name, **UNCONDITIONAL) == config
    assert name.count("+") <= variant.count("+")


def test_a_config_without_a_name_is_told() -> None:
    model = variants.official.load(official(embed_dim=48), num_heads=3)
    with pytest.raises(ValueError, match="no variant is a uvit of width 48 in 3 heads"):
        variants.name_of(model.config)
