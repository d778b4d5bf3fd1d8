"""Arms of equal size: within 1%, by the knobs of their family, and a reason where that cannot be."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ablations.arms import Arm
from ablations.grid import Grid, load_grid
from ablations.matching import TOLERANCE, match, size, size_arms
from variants import FAMILIES, ModelConfig, resolve

BASE = "uvit-micro-deep/4"


def network(variant: str) -> ModelConfig:
    return resolve(variant, image_size=32, channels=3)


def sized(grid: Grid, preset: str = BASE, measure: str = "", image_size: int = 32) -> tuple[list[Arm], list[str]]:
    arms = grid.arms(preset, image_size=image_size)
    on = lambda variant: resolve(variant, image_size=image_size, channels=3)  # noqa: E731
    return size_arms(arms, baseline=grid.baseline, measure=measure, resolve=on)


@pytest.mark.parametrize("measure", ["params", "macs"])
def test_each_unequal_arm_gets_a_second_one_of_the_baselines_size(measure: str) -> None:
    arms, notes = sized(load_grid("skip"), measure=measure)
    assert notes == []
    names = [arm.name for arm in arms]
    assert names[:3] == ["concat", "linear_sum", f"linear_sum~{measure}"] and len(names) == 9
    target = size(network(BASE), measure)
    for arm in arms:
        off = size(network(arm.variant), measure) / target - 1
        if arm.match:
            assert abs(off) <= TOLERANCE and arm.residual == pytest.approx(off)
            [hidden] = [value for axis, value in pairs(arm.variant) if axis == "mlp_hidden"]
            assert int(hidden) % 8 == 0 and int(hidden) > 256
            assert f"mlp_hidden={hidden}" in arm.formula and f"{100 * off:+.2f}%" in arm.formula
        else:
            assert arm.residual is None


def pairs(variant: str) -> list[tuple[str, str]]:
    return [(axis, value) for axis, _, value in (part.partition("=") for part in variant.split("+")[1:])]


def test_equal_arms_get_no_second_one() -> None:
    arms, _ = sized(load_grid("pos_embed"), measure="macs")  # positions cost no product
    assert [arm.name for arm in arms] == ["learned_1d", "sincos_2d", "none"]


@pytest.mark.parametrize("preset", ["uvit-micro/4", BASE, "uvit-s/2"])
@pytest.mark.parametrize("image_size", [16, 32])
def test_the_rivals_of_the_grid_backbones_cost_what_u_vit_does(preset: str, image_size: int) -> None:
    arms, _ = sized(load_grid("backbones"), preset, image_size=image_size)
    configs = [resolve(arm.variant, image_size=image_size, channels=3) for arm in arms]
    assert [arm.name for arm in arms] == ["uvit", "genvit", "unet", "dit"]
    assert {config.family for config in configs} == set(FAMILIES.names())
    sizes = [size(config, "macs") for config in configs]
    assert max(abs(each / sizes[0] - 1) for each in sizes) <= TOLERANCE
    assert {config.patch for config in configs if not config.levels} == {configs[0].patch}


@pytest.mark.parametrize("variant", ["unet-cifar10", "dit-s/2", "genvit/2"])
def test_rivals_match_on_labelled_latents_too(variant: str) -> None:
    def on(text: str) -> ModelConfig:
        return resolve(text, image_size=32, channels=4, num_classes=1000, null_label=True)

    for measure in ("macs", "params"):
        matched = match(variant, to="uvit-l/2", measure=measure, resolve=on)
        assert abs(size(on(matched.variant), measure) / size(on("uvit-l/2"), measure) - 1) <= TOLERANCE


def test_the_least_bent_setting_wins() -> None:
    matched = match("dit-s/2", to="uvit-s/2", measure="macs", resolve=network)
    config = network(matched.variant)
    assert 0.8 < config.mlp_hidden / (4 * config.embed_dim) < 1.25


def test_every_arm_of_another_size_gets_a_matched_one() -> None:
    arms, notes = sized(load_grid("depth"), "uvit-micro/4", measure="macs")
    assert [arm.name for arm in arms if arm.match] == ["depth=3~macs", "depth=7~macs"]
    assert notes == []


def test_what_cannot_be_matched_is_said() -> None:
    with pytest.raises(
        ValueError, match=r"uvit-micro/1 comes no nearer to uvit-micro/8 than .*; 1% is allowed"
    ) as error:
        match("uvit-micro/1", to="uvit-micro/8", measure="macs", resolve=network)
    assert "\n" not in str(error.value)
    arms = [Arm(name="small", variant="uvit-micro/8"), Arm(name="fine", variant="uvit-micro/1")]
    found, notes = size_arms(arms, baseline="small", measure="macs", resolve=network)
    assert found == arms and len(notes) == 1 and notes[0].startswith("no arm fine~macs: uvit-micro/1 comes no nearer")
    asking = [arms[0], dataclasses.replace(arms[1], match="macs")]
    with pytest.raises(ValueError, match="comes no nearer"):
        size_arms(asking, baseline="small", measure="", resolve=network)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('match = "flops"\n[axes]\nskip = ["concat"]', "match: expected one of params, macs; got 'flops'"),
        ('[variants]\nconcat = "~macs"\nb = "+skip=add"', "the baseline concat is what arms are sized to"),
        ('[variants]\nconcat = ""\nb = "dit-s/~flops"', "arm b: expected one of params, macs after '~', got 'flops'"),
    ],
)
def test_slips_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('question = "Q?"\nbaseline = "concat"\n' + text)
    with pytest.raises(ValueError, match=message):
        sized(load_grid(path))


def test_a_grid_file_may_ask_for_matching(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('question = "Q?"\nbaseline = "concat"\nmatch = "params"\n[axes]\nskip = ["concat", "none"]')
    assert load_grid(path).match == "params"
