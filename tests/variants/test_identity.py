"""Identities are what record ids are made of: they must never change by accident."""

from __future__ import annotations

import json
from typing import Any

import pytest

import variants
from tests.variants.data import CLASSES, UNCONDITIONAL, axes

GOLDEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "uvit-s/2",
        {"image_size": 32, "channels": 3},
        {
            "family": "uvit",
            "image_size": 32,
            "channels": 3,
            "num_classes": 0,
            "null_label": False,
            "context_tokens": 0,
            "context_dim": 0,
            "depth": 13,
            "embed_dim": 512,
            "num_heads": 8,
            "mlp_hidden": 2048,
            "patch": 2,
            "time_mlp": False,
            "slots": {},
        },
    ),
    (
        "uvit-h/2",
        {"image_size": 32, "channels": 4, "num_classes": 1000, "null_label": True},
        {
            "family": "uvit",
            "image_size": 32,
            "channels": 4,
            "num_classes": 1000,
            "null_label": True,
            "context_tokens": 0,
            "context_dim": 0,
            "depth": 29,
            "embed_dim": 1152,
            "num_heads": 16,
            "mlp_hidden": 4608,
            "patch": 2,
            "time_mlp": False,
            "slots": {"conv_head": "none"},
        },
    ),
    (
        "uvit-micro-deep/4+width=96+skip=linear_skip+pos_embed=sincos_2d+time=adaln",
        {"image_size": 32, "channels": 3, "context_tokens": 77, "context_dim": 768},
        {
            "family": "uvit",
            "image_size": 32,
            "channels": 3,
            "num_classes": 0,
            "null_label": False,
            "context_tokens": 77,
            "context_dim": 768,
            "depth": 13,
            "embed_dim": 96,
            "num_heads": 3,
            "mlp_hidden": 384,
            "patch": 4,
            "time_mlp": False,
            "slots": {"pos_embed": "sincos_2d", "skip": "linear_skip", "time": "adaln"},
        },
    ),
]


@pytest.mark.parametrize(("variant", "data", "identity"), GOLDEN, ids=lambda value: str(value)[:16])
def test_golden_identities(variant: str, data: dict[str, Any], identity: dict[str, Any]) -> None:
    found = variants.resolve(variant, **data).identity()
    assert found == identity
    assert json.loads(json.dumps(found)) == identity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uvit-s/2+patch=4", "uvit-s/4"),
        ("uvit-s/2+depth=17", "uvit-s-deep/2"),
        ("uvit-s/2+skip=concat+time=token", "uvit-s/2"),
        ("uvit-h/2+conv_head=none", "uvit-h/2"),
        ("uvit-micro/4+depth=13", "uvit-micro-deep/4"),
    ],
)
def test_equal_networks_have_equal_identities(one: str, other: str) -> None:
    assert variants.resolve(one, **UNCONDITIONAL).identity() == variants.resolve(other, **UNCONDITIONAL).identity()


def test_the_default_option_of_every_axis_is_absent() -> None:
    plain = variants.resolve("uvit-s/2", **CLASSES)
    for name in axes("uvit-s/2"):
        assert variants.resolve(f"uvit-s/2+{name}={variants.AXES.get(name).default}", **CLASSES) == plain


def test_every_other_option_changes_the_identity() -> None:
    seen = [variants.resolve("uvit-s/2", **CLASSES).identity()]
    for name in axes("uvit-s/2"):
        axis = variants.AXES.get(name)
        for option in axis.options:
            if option.name != axis.default:
                seen.append(variants.resolve(f"uvit-s/2+{name}={option.name}", **CLASSES).identity())
    assert len({json.dumps(identity, sort_keys=True) for identity in seen}) == len(seen)


def test_a_config_forgets_defaults_however_it_was_made() -> None:
    config = variants.resolve("uvit-s/2", **UNCONDITIONAL)
    assert config.with_slot("skip", "add").with_slot("skip", "concat") == config
    assert config.with_slot("skip", "add").without_slot("skip") == config
    assert config.with_slot("time", "adaln").with_slot("skip", "add").slots == (("skip", "add"), ("time", "adaln"))
