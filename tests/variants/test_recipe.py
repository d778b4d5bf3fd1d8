"""Axes of the recipe, from the registry: no network changes, the text keeps them, what builds networks refuses them."""

from __future__ import annotations

import pytest

import variants
from tests.variants.data import SMALL, UNCONDITIONAL
from variants import Axis, Option, canonical, network_part, recipe_of
from variants.recipe import recipe_axis

RECIPE = [(name, option) for name, axis in variants.AXES.items() if axis.kind == "recipe" for option in axis.options]


@pytest.mark.parametrize(("axis", "option"), RECIPE)
def test_an_option_is_text_and_plain_values_and_no_network(axis: str, option: Option) -> None:
    text = f"{SMALL}+skip=add+{axis}={option.name}"
    assert recipe_of(text) == option.recipe == {axis: option.name}
    assert canonical(text) == str(
        variants.Spec(preset=SMALL, options=tuple(sorted([("skip", "add"), (axis, option.name)])))
    )
    assert str(network_part(text)) == f"{SMALL}+skip=add"
    for make in (variants.resolve, variants.create_model):
        with pytest.raises(ValueError, match=f"{axis}={option.name} is a choice of the training recipe") as error:
            make(text, **UNCONDITIONAL)  # type: ignore[operator]
        assert "\n" not in str(error.value)


def test_there_are_recipe_axes_and_every_family_has_them() -> None:
    assert {axis for axis, _ in RECIPE} == {"prediction", "loss_space", "weighting", "times"}
    assert all(family.takes(variants.AXES.get(axis)) for _, family in variants.FAMILIES.items() for axis, _ in RECIPE)
    assert canonical("dit-s/2+prediction=v") == "dit-s/2+prediction=v"


def test_a_network_s_text_is_as_it_was() -> None:
    assert recipe_of(f"{SMALL}+skip=add") == {}
    assert str(network_part(f"{SMALL}+skip=add")) == f"{SMALL}+skip=add"
    assert canonical(f"{SMALL}+skip=concat+patch=2") == "uvit-micro/2"


@pytest.mark.parametrize("text", ["prediction=w", "prediktion=v"])
def test_unknown_names_are_refused(text: str) -> None:
    for function in (canonical, recipe_of, network_part):
        with pytest.raises(ValueError, match="unknown"):
            function(f"{SMALL}+{text}")  # type: ignore[operator]


def test_two_axes_of_the_same_field_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Axis(
        name="other",
        kind="recipe",
        question="?",
        default="a",
        options=(Option(name="a", formula="", recipe={"times": "shifted"}),),
    )
    monkeypatch.setattr(variants.AXES, "_entries", {**dict(variants.AXES.items()), "other": other})
    with pytest.raises(ValueError, match=r"other=a and times=uniform both set training\.times; choose one"):
        recipe_of(f"{SMALL}+other=a+times=uniform")


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("recipe", [Option(name="a", formula="")], "every option of an axis of kind 'recipe' has a recipe"),
        ("network", [Option(name="a", formula="", recipe={"lr": 1.0})], "and no other has one"),
        (
            "recipe",
            [Option(name="a", formula="", recipe={}, build=lambda c: None)],
            "sets the recipe, and so no network",
        ),
    ],
)
def test_axes_are_of_one_kind(kind: variants.axis.Kind, options: list[Option], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Axis(name="x", kind=kind, question="?", default="a", options=tuple(options))


def test_a_recipe_axis_is_made_in_a_line() -> None:
    axis = recipe_axis("optimizer", question="?", options=(("adamw", "m/√v", "a paper"), ("sgd", "g", "a book")))
    assert (axis.kind, axis.default) == ("recipe", "adamw")
    assert axis.option("sgd").recipe == {"optimizer": "sgd"}
