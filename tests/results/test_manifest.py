"""The grid manifest: the same bytes as ever, older files read, and nothing that a report could stumble over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from results.manifest import Manifest, ManifestArm, ManifestCell, ManifestEndpoint
from tests.reports.simulated import manifest

PUBLISHED = Path(__file__).parent.parent.parent / "results/published"
SIZED = {
    "evaluation": {
        "draws": [{"sampler": "dpm_solver", "nfe": 20}],
        "sweep": [{"sampler": "ddim", "nfe": 2}],
        "left_out": [],
    },
    "later": {"anything": [1]},
}


def _sized() -> dict[str, Any]:
    """A manifest with every key that this version writes, in its order, and some of a later one."""
    content = manifest(["concat", "none"])
    arms = content.pop("arms")
    sized = {"match": "params", "residual": -0.004, "sizes": {"depth": 13, "width": 64, "patch": 4}}
    for arm in arms:
        cells = arm.pop("cells")
        arm |= {**(sized if arm["arm"] == "none" else {}), "cells": cells, "colour": "red"}
    planned = {
        "seeds": [100, 101, 102],
        "looks": [3],
        "sections": {"training": {"steps": 4}, "evaluation": {"samples": 8}},
    }
    return content | {"evaluation": SIZED["evaluation"], **planned, "arms": arms, "later": SIZED["later"]}


def _blocks() -> dict[str, Any]:
    """A manifest of two blocks, each with its baseline."""
    content = manifest(["eps/concat", "eps/none", "v/concat", "v/none"])
    arms = [{**arm, "block": arm["arm"].partition("/")[0]} for arm in content.pop("arms")]
    ordered = [{**{k: v for k, v in arm.items() if k != "cells"}, "cells": arm["cells"]} for arm in arms]
    return content | {"baseline": "concat", "within": "prediction", "arms": ordered}


def test_blocks_are_read_and_written() -> None:
    text = json.dumps(_blocks(), indent=1) + "\n"
    read = Manifest.from_json(text)
    assert (read.within, [arm.block for arm in read.arms]) == ("prediction", ["eps", "eps", "v", "v"])
    assert read.to_json() == text


def _without_a_baseline() -> dict[str, Any]:
    content = _blocks()
    return content | {"arms": [arm for arm in content["arms"] if arm["arm"] != "v/concat"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": [1, 1]}, "seeds: expected each seed once"),
        ({"seeds": [-1]}, "seeds: expected a list of whole numbers"),
        ({"seeds": [0, 1, 2], "looks": [3, 2]}, "looks: expected rising numbers of seeds"),
        ({"seeds": [0, 1], "looks": [3]}, "looks: expected no more than the 2 planned seeds"),
        ({"seeds": [0, 1], "looks": [0]}, "looks: expected rising numbers of seeds from 1"),
        ({"sections": {"training": 3}}, "sections: expected an object of objects or null"),
        ({"within": 3}, "within: expected text"),
        ({"within": "prediction"}, "within: expected a block for every arm, or for none"),
        (_blocks() | {"within": ""}, "within: expected a block for every arm, or for none"),
        (_without_a_baseline(), "baseline: expected one of the arms .*, got 'v/concat'"),
        (_blocks() | {"arms": [_blocks()["arms"][0] | {"block": 3}]}, r"arms\[0\].block: expected text"),
    ],
)
def test_a_plan_that_does_not_hold_together_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Manifest.from_dict(manifest(["concat", "none"]) | change)


def test_what_is_read_is_written_with_the_same_bytes() -> None:
    path = PUBLISHED / "backbones-cpu/grids/backbones.json"
    assert Manifest.from_json(path.read_bytes()).to_json().encode() == path.read_bytes()
    text = json.dumps(_sized(), indent=1) + "\n"
    assert Manifest.from_json(text).to_json() == text


def test_older_manifests_are_read() -> None:
    read = Manifest.from_json((PUBLISHED / "photos-cpu/grids/skip.json").read_bytes())
    assert (read.baseline, read.evaluation, read.endpoint.step) == ("concat", None, "final")
    first = read.arms[0]
    assert (first.arm, first.formula, first.sizes, len(first.cells)) == ("concat", "", None, 2)
    bare = {key: value for key, value in manifest().items() if key not in ("preset", "runtime")}
    bare["endpoint"] = {"metric": "val_loss", "weights": "raw"}
    made = Manifest.from_dict(bare)
    assert (made.preset, made.runtime, made.endpoint.margin) == (None, None, None)
    assert not {"preset", "runtime", "evaluation"} & made.to_dict().keys()


def test_null_stands_for_what_is_left_out() -> None:
    content = manifest() | {"preset": None, "runtime": None}
    content["arms"] = [arm | {"sizes": None, "match": None} for arm in content["arms"]]
    made = Manifest.from_dict(content)
    assert (made.preset, made.runtime, made.arms[0].sizes, made.arms[0].match) == (None, None, None, "")


def test_fields_of_a_later_version_are_kept() -> None:
    made = Manifest.from_dict(_sized())
    assert made.more == {"later": SIZED["later"]}
    assert [arm.more for arm in made.arms] == [{"colour": "red"}] * 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": "nobody"}, "baseline: expected one of the arms a, got 'nobody'"),
        ({"endpoint": ManifestEndpoint(metric="m", weights="raw", step="soon")}, "endpoint.step: expected a step"),
        ({"arms": ()}, "arms: expected a non-empty list"),
        ({"arms": (ManifestArm(arm="a", variant="", cells=()),)}, r"arms\[0\].variant: expected text"),
        ({"preset": 3}, "preset: expected text or null, got 3"),
    ],
)
def test_one_that_is_made_is_checked_as_one_that_is_read(change: dict[str, Any], message: str) -> None:
    whole: dict[str, Any] = {
        "name": "g", "question": "Q?", "baseline": "a", "reference": "", "budget": "cpu", "dataset": "photos",
        "endpoint": ManifestEndpoint(metric="m", weights="raw"),
        "arms": (ManifestArm(arm="a", variant="v", cells=(ManifestCell(seed=0, train_id="a" * 12),)),),
    }  # fmt: skip
    Manifest(**whole)
    with pytest.raises(ValueError, match=message):
        Manifest(**whole | change)
