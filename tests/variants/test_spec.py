from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import variants
from tests.variants.data import axes
from variants import Spec, as_spec

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True)
PRESETS = st.from_regex(r"[a-z][a-z0-9-]{0,8}(/[1-9][0-9]?)?", fullmatch=True)
SPECS = st.builds(
    lambda preset, options: Spec(preset=preset, options=tuple(options.items())),
    PRESETS,
    st.dictionaries(NAMES, VALUES, max_size=4),
)


@st.composite
def known_variants(draw: st.DrawFn) -> Spec:
    """Variants of the registered axes and presets, defaults among them, in any order."""
    name = draw(st.sampled_from(variants.PRESETS.names()))
    shape = variants.PRESETS.get(name)
    preset = name + (draw(st.sampled_from(["", "/1", "/2", "/4"])) if shape.patch else "")
    chosen = draw(st.lists(st.sampled_from(axes(name)), unique=True))
    pairs = [(axis, draw(st.sampled_from([o.name for o in variants.AXES.get(axis).options]))) for axis in chosen]
    head_dim = 1 if shape.levels else shape.embed_dim // shape.num_heads
    return Spec(
        preset=preset, options=tuple(pair for pair in pairs if pair[0] != "width" or not int(pair[1]) % head_dim)
    )


@given(SPECS)
def test_text_and_spec_convert_both_ways(spec: Spec) -> None:
    assert Spec.parse(str(spec)) == spec
    assert as_spec(str(spec)) == as_spec(spec) == spec


def test_the_text_form_is_the_documented_one() -> None:
    spec = Spec.parse("uvit-s/2+skip=add+time=adaln")
    assert spec == Spec(preset="uvit-s/2", options=(("skip", "add"), ("time", "adaln")))
    assert str(spec) == "uvit-s/2+skip=add+time=adaln"


@settings(max_examples=200, deadline=None)
@given(known_variants())
def test_canonical_is_idempotent_and_names_the_same_network(spec: Spec) -> None:
    text = variants.canonical(spec)
    assert variants.canonical(text) == text
    data = {"image_size": 64, "channels": 3}
    assert variants.resolve(text, **data) == variants.resolve(spec, **data)
    backwards = Spec(preset=spec.preset, options=spec.options[::-1])
    assert variants.canonical(backwards) == text


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("uvit-s/2", "uvit-s/2"),
        ("uvit-s", "uvit-s/2"),
        ("uvit-s/2+patch=4", "uvit-s/4"),
        ("uvit-s/4+patch=2+skip=add", "uvit-s/2+skip=add"),
        ("uvit-s/2+time=adaln+skip=none", "uvit-s/2+skip=none+time=adaln"),
        ("uvit-s/2+skip=concat+depth=13+width=512", "uvit-s/2"),
        ("uvit-s/2+depth=017", "uvit-s/2+depth=17"),
        ("uvit-h/2+conv_head=none", "uvit-h/2"),
        ("uvit-h/2+conv_head=after", "uvit-h/2+conv_head=after"),
    ],
)
def test_canonical_text(text: str, normal: str) -> None:
    assert variants.canonical(text) == normal


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not the name of a preset"),
        ("uvit-s/2+", "'' in variant 'uvit-s/2\\+' is not AXIS=OPTION"),
        ("uvit-s/2+skip", "'skip' in variant"),
        ("uvit-s/2+skip=add=none", "'skip=add=none' in variant"),
        ("uvit-s/2+skip=", "'skip=' is not AXIS=OPTION"),
        ("uvit s/2", "'uvit s/2' is not the name of a preset"),
        ("uvit-s/2/3", "is not the name of a preset"),
        ("uvit-s/2+skip=add+skip=none", "axis 'skip' is given twice"),
        ("uvit-x/2", "unknown preset 'uvit-x'; did you mean 'uvit-"),
        ("uvit-s/two", "'two' in preset 'uvit-s/two' is not a patch size"),
        ("uvit-s/0", "'0' in preset 'uvit-s/0' is not a patch size"),
        ("uvit-s/2+skp=add", "unknown axis 'skp'; did you mean 'skip'"),
        ("uvit-s/2+skip=ad", "unknown option of axis 'skip' 'ad'; did you mean 'add'\\? known: concat, linear_sum"),
        ("uvit-s/2+depth=x", "depth=x: expected a whole number"),
        ("uvit-s/2+depth=-3", "depth=-3: expected a whole number"),
        ("uvit-s/2+depth=99999999999", "expected a whole number from 1 to 999"),
        ("uvit-s/2+width=100", "width=100 does not divide into heads of 64"),
    ],
)
def test_what_is_not_a_variant_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as error:
        variants.canonical(text)
    assert "\n" not in str(error.value)


def test_neither_text_nor_spec_is_refused() -> None:
    with pytest.raises(ValueError, match="a variant is text or a Spec, not int"):
        as_spec(3)  # type: ignore[arg-type]
