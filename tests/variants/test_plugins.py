"""A user's own axis, from a file and from an installed package."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import variants
from tests.variants.data import SMALL, UNCONDITIONAL, inputs, small
from variants import plugins

SWIGLU = '''
"""A gated MLP instead of Linear, GELU, Linear."""
from variants import Axis, Option


def _gated(config):
    from torch import nn

    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(config.embed_dim, 2 * config.mlp_hidden)
            self.fc2 = nn.Linear(config.mlp_hidden, config.embed_dim)

        def forward(self, h):
            a, b = self.fc1(h).chunk(2, dim=-1)
            return self.fc2(nn.functional.silu(a) * b)

    return Gated()


AXIS = Axis(
    name="myaxis",
    question="Should the MLP be gated?",
    default="a",
    slot="mlp",
    options=(
        Option(name="a", formula="Linear(GELU(Linear(h)))"),
        Option(name="b", formula="Linear(SiLU(a) * b), [a; b] = Linear(h)", build=_gated),
    ),
)
'''

NEW_SLOT = """
from variants import Axis, Option

def _zero(config, model):
    model.final_layer.weight.data.mul_(0)
    model.decoder_pred.bias = None

AXIS = Axis(name="bias", question="?", default="on", options=(
    Option(name="on", formula="Wh + b"), Option(name="off", formula="Wh", build=_zero)))
"""

CLASHING = """
from dataclasses import replace
from variants import Axis, Option

AXIS = Axis(name="blocks", question="?", default="same", options=(
    Option(name="same", formula="", transform=lambda config: config),
    Option(name="three", formula="", transform=lambda config: replace(config, depth=3))))
"""


@pytest.fixture(autouse=True)
def registries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is gone after it."""
    monkeypatch.setattr(variants.AXES, "_entries", dict(variants.AXES.items()))
    monkeypatch.setattr(plugins, "_loaded", {})
    yield


def write(folder: Path, text: str, name: str = "my_axes.py") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_file_adds_an_axis(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown axis 'myaxis'"):
        variants.resolve("uvit-nano/4+myaxis=b", **UNCONDITIONAL)
    default = variants.resolve("uvit-nano/4", **UNCONDITIONAL)
    variants.load_plugin(write(tmp_path, SWIGLU))
    model = variants.create_model("uvit-nano/4+myaxis=b", **UNCONDITIONAL)
    assert type(model.mid_block.mlp).__name__ == "Gated"
    out = model(**inputs(UNCONDITIONAL))
    out.square().mean().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert not torch.allclose(out, small("uvit-nano/4")(**inputs(UNCONDITIONAL)), atol=1e-4)
    shared = small("uvit-nano/4").mid_block.attn.qkv.weight
    assert torch.equal(model.mid_block.attn.qkv.weight, shared)
    assert variants.canonical("uvit-nano/4+skip=add+myaxis=b") == "uvit-nano/4+myaxis=b+skip=add"
    assert model.config.identity()["slots"] == {"mlp": "b"}
    assert variants.resolve("uvit-nano/4", **UNCONDITIONAL) == default
    assert variants.resolve("uvit-nano/4+myaxis=a", **UNCONDITIONAL) == default


def test_a_plugin_works_beside_every_built_in_option(tmp_path: Path) -> None:
    variants.load_plugin(write(tmp_path, SWIGLU))
    chosen = "+skip=linear_sum+time=adaln+conv_head=before+patch_embed=conv_stack+pos_embed=sincos_2d"
    model = variants.create_model(f"uvit-micro/4+depth=3+myaxis=b{chosen}", **UNCONDITIONAL)
    assert model(**inputs(UNCONDITIONAL)).isfinite().all()


def test_an_axis_with_a_slot_of_its_own_changes_the_finished_model(tmp_path: Path) -> None:
    variants.load_plugin(write(tmp_path, NEW_SLOT))
    model = small(f"{SMALL}+bias=off")
    assert model.decoder_pred.bias is None and small(f"{SMALL}+bias=on").decoder_pred.bias is not None
    assert model.config.identity()["slots"] == {"bias": "off"}
    assert variants.canonical(f"{SMALL}+bias=on") == SMALL


def test_two_axes_that_set_the_same_thing_are_refused_by_name(tmp_path: Path) -> None:
    variants.load_plugin(write(tmp_path, CLASHING, "blocks.py"))
    variants.load_plugin(write(tmp_path, SWIGLU.replace('slot="mlp"', 'slot="skip"'), "skips.py"))
    assert variants.resolve("uvit-micro/4+blocks=three", **UNCONDITIONAL).depth == 3
    for order in ("+blocks=three+depth=7", "+depth=7+blocks=three"):
        with pytest.raises(ValueError, match="blocks=three and depth=7 both set depth; choose one"):
            variants.resolve(f"uvit-micro/4{order}", **UNCONDITIONAL)
    with pytest.raises(ValueError, match="myaxis=b and skip=add both set slot:skip; choose one"):
        variants.canonical("uvit-micro/4+skip=add+myaxis=b")
    assert variants.resolve("uvit-micro/4+skip=add+myaxis=a", **UNCONDITIONAL).slots == (("skip", "add"),)


def test_loading_a_file_twice_changes_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, SWIGLU)
    assert variants.load_plugin(file) is variants.load_plugin(str(file))
    assert list(variants.loaded_plugins()) == [str(file)]
    assert len(variants.loaded_plugins()[str(file)]) == 64


def test_things_of_a_plugin_can_be_pickled(tmp_path: Path) -> None:
    module = variants.load_plugin(write(tmp_path, SWIGLU))
    assert pickle.loads(pickle.dumps(module._gated)) is module._gated


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 / 0", "my_axes.py failed: ZeroDivisionError: division by zero"),
        ("def (", "my_axes.py failed: SyntaxError"),
        ("AXIS = 3", "AXIS must be a variants.Axis, not int"),
        (SWIGLU.replace('"myaxis"', '"skip"'), "axis 'skip' is already registered"),
        (SWIGLU.replace('default="a"', 'default="c"'), "needs different option names and a default among them"),
        (SWIGLU.replace(", build=_gated", ""), "option 'b' of axis 'myaxis' needs a build or a transform"),
    ],
)
def test_a_plugin_that_cannot_load_says_why_in_one_line(text: str, reason: str, tmp_path: Path) -> None:
    names = variants.AXES.names()
    with pytest.raises(ValueError, match=reason) as error:
        variants.load_plugin(write(tmp_path, text))
    assert "\n" not in str(error.value)
    assert variants.AXES.names() == names and not variants.loaded_plugins()


def test_a_missing_plugin_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"no plugin file at {tmp_path}/none.py"):
        variants.load_plugin(tmp_path / "none.py")


def run_with_package(folder: Path, axis: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` where a package with an entry point in ``uvit.plugins`` is installed."""
    (folder / "their_axes.py").write_text(axis)
    info = folder / "their_axes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-axes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[uvit.plugins]\ntheirs = their_axes\n")
    path = os.pathsep.join([str(folder), str(Path(variants.__file__).parents[1])])
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=60)


def test_an_installed_package_adds_an_axis(tmp_path: Path) -> None:
    code = "import variants; print(variants.resolve('uvit-nano/4+myaxis=b', image_size=32, channels=3).slots)"
    done = run_with_package(tmp_path, SWIGLU, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(('mlp', 'b'),)"


def test_a_broken_package_is_named(tmp_path: Path) -> None:
    code = "import variants; variants.AXES.names()"
    done = run_with_package(tmp_path, "1 / 0", code)
    assert done.returncode == 1
    assert "plugin 'their_axes' (entry point theirs) failed: ZeroDivisionError" in done.stderr.splitlines()[-1]


def test_two_axes_with_one_name_for_one_slot_are_refused(tmp_path: Path) -> None:
    text = SWIGLU.replace('slot="mlp"', 'slot="skip"').replace('name="b"', 'name="add"')
    variants.load_plugin(write(tmp_path, text))
    with pytest.raises(ValueError, match="axes 'skip' and 'myaxis' both define 'add' for slot 'skip'"):
        small(f"{SMALL}+skip=add")


def test_a_choice_whose_plugin_is_missing_is_named() -> None:
    config = variants.resolve(SMALL, **UNCONDITIONAL).with_slot("mlp", "b")
    with pytest.raises(ValueError, match="nothing builds 'b' for slot 'mlp'; load the plugin"):
        variants.build(config)
