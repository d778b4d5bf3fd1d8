"""Grid files: what they expand to, and typos answered in one line."""

from pathlib import Path

import pytest

from ablations.budgets import load_budgets
from ablations.grid import Grid, Within, grid_names, load_grid
from ablations.recipes import settled


def _write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


GOOD = 'question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat", "none"]\n'


def test_bundled_grids_are_those_of_the_paper() -> None:
    assert {"skip", "time", "conv_head", "patch_embed", "pos_embed", "depth", "width", "patch", "paper"} <= set(
        grid_names()
    )


@pytest.mark.parametrize("name", grid_names())
@pytest.mark.parametrize("preset", ["uvit-micro-deep/4", "uvit-s/2", "uvit-nano/4"])
def test_every_grid_expands_for_every_kind_of_preset(name: str, preset: str) -> None:
    grid = load_grid(name)
    budget = load_budgets().get("smoke")
    arms = grid.arms(preset, image_size=32, settle=lambda variant: settled(variant, budget))
    assert len(arms) > 1 or "sweep" in grid.evaluation
    assert len({arm.variant for arm in arms}) == len(arms) == len({arm.name for arm in arms})
    first, *others = {arm.block: grid.baseline_of(arm) for arm in arms}.items()
    variants = {arm.name: arm.variant for arm in arms}
    assert variants[first[1]] == preset
    for block, baseline in others:
        assert variants[baseline] == f"{preset}+{grid.within and grid.within.axis}={block}"


def test_the_skip_grid_has_the_papers_five_arms() -> None:
    arms = load_grid("skip").arms("uvit-s/2", image_size=32)
    assert [(arm.name, arm.variant) for arm in arms] == [
        ("concat", "uvit-s/2"),
        ("linear_sum", "uvit-s/2+skip=linear_sum"),
        ("linear_skip", "uvit-s/2+skip=linear_skip"),
        ("add", "uvit-s/2+skip=add"),
        ("none", "uvit-s/2+skip=none"),
    ]


def test_size_grids_scale_with_the_preset_and_give_the_papers_values_for_s() -> None:
    def names(grid: str, preset: str, image_size: int = 32) -> set[str]:
        return {arm.name for arm in load_grid(grid).arms(preset, image_size=image_size)}

    assert names("depth", "uvit-s/2") == {"default", "depth=9", "depth=17"}
    assert names("width", "uvit-s/2") == {"default", "width=256", "width=768"}
    assert {arm.variant for arm in load_grid("patch").arms("uvit-s/2", image_size=32)} == {
        "uvit-s/2",
        "uvit-s/1",
        "uvit-s/4",
        "uvit-s/8",
    }
    assert names("width", "uvit-micro-deep/4") == {"default", "width=32", "width=96"}


def test_the_paper_grid_runs_the_shared_default_once() -> None:
    arms = load_grid("paper").arms("uvit-s/2", image_size=32)
    assert [arm.name for arm in arms].count("default") == 1
    assert {"skip=none", "time=adaln", "depth=9", "pos_embed=none"} <= {arm.name for arm in arms}


def test_a_grid_of_variants_is_relative_to_the_preset_or_whole(tmp_path: Path) -> None:
    arms_text = 'default = ""\nboth = "+skip=add+conv_head=none"\ndeep = "uvit-micro-deep/4"\n'
    text = 'question = "Q?"\nbaseline = "default"\n[variants]\n' + arms_text
    arms = load_grid(_write(tmp_path, text)).arms("uvit-nano/4", image_size=32)
    assert [arm.variant for arm in arms] == ["uvit-nano/4", "uvit-nano/4+conv_head=none+skip=add", "uvit-micro-deep/4"]


def test_variants_as_a_list_are_named_by_their_text(tmp_path: Path) -> None:
    text = 'question = "Q?"\nbaseline = "default"\nvariants = ["", "+skip=add"]\n'
    arms = load_grid(_write(tmp_path, text)).arms("uvit-nano/4", image_size=32)
    assert [(arm.name, arm.variant) for arm in arms] == [
        ("default", "uvit-nano/4"),
        ("skip=add", "uvit-nano/4+skip=add"),
    ]


def test_endpoint_of_the_file_is_read(tmp_path: Path) -> None:
    grid = load_grid(_write(tmp_path, GOOD + '[endpoint]\nmetric = "val_loss"\nweights = "raw"\nmargin = 0.01\n'))
    assert grid.endpoint == {"metric": "val_loss", "weights": "raw", "margin": 0.01}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("question = ", "is not valid TOML"),
        ('qestion = "Q?"\n' + GOOD, "unknown key 'qestion'; did you mean 'question'?"),
        ('question = "Q?"\nbaseline = "a"\n', "expected either [axes] or variants, got neither"),
        (GOOD + '[variants]\na = ""\n', "expected either [axes] or variants, got both"),
        ('baseline = "concat"\n[axes]\nskip = ["concat"]\n', "expected question"),
        ('question = "Q?"\n[axes]\nskip = ["concat"]\n', "expected baseline"),
        (GOOD.replace('["concat", "none"]', "true"), "axes.skip: expected a list of options"),
        (GOOD.replace('["concat", "none"]', "[]"), "axes.skip: expected a list of options"),
        (GOOD + '[endpoint]\nmetrik = "x"\n', "unknown key 'metrik'; did you mean 'metric'?"),
        (GOOD + '[endpoint]\nweights = "best"\n', "weights: expected 'raw' or 'ema', got 'best'"),
        (GOOD + "[endpoint]\nmargin = -1\n", "margin: expected a number above 0, got -1"),
        (GOOD + "[within]\nskip = ['add', 'none']\n", "skip is in [axes] and in [within]"),
        (GOOD + "[within]\ntime = ['token']\n", "[within] time: expected a list of two options or more, got ['token']"),
        (GOOD + "[within]\ndepth = 'scaled'\n", "[within] depth: expected a list of two options or more, got 'scaled'"),
        (GOOD + "[within]\ntime = [true, false]\n", "[within] time: expected a list of two options or more"),
        (GOOD + "[within]\ntime = ['token', 'token']\n", "[within] time: expected each option once"),
        (GOOD + "[within]\ntime = ['token', 'adaln']\npatch = [2, 4]\n", "expected one axis, such as"),
        ("within = 3\n" + GOOD, '[within]: expected one axis, such as prediction = ["eps", "v"], got 3'),
    ],
)
def test_typos_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        load_grid(_write(tmp_path, text))
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_grid_suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"unknown grid 'skp'; did you mean 'skip'\?"):
        load_grid("skp")
    with pytest.raises(ValueError, match=r"no grid file at nowhere\.toml"):
        load_grid("nowhere.toml")


def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        load_grid(_write(tmp_path, GOOD, name="a b.toml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("skip", "skipp", "skipp"),
        ('"none"', '"nonne"', "nonne"),
        ('baseline = "concat"', 'baseline = "add"', "baseline 'add'"),
    ],
)
def test_an_unknown_axis_option_or_baseline_is_refused_when_expanded(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    grid: Grid = load_grid(_write(tmp_path, GOOD.replace(old, new)))
    with pytest.raises(ValueError, match=message):
        grid.arms("uvit-nano/4", image_size=32)


BLOCKS = GOOD + '[within]\ntime = ["token", "adaln"]\n'


def test_blocks_have_all_arms_and_a_baseline_each(tmp_path: Path) -> None:
    grid = load_grid(_write(tmp_path, BLOCKS))
    assert grid.within == Within(axis="time", options=("token", "adaln"))
    arms = grid.arms("uvit-nano/4", image_size=32)
    assert [(arm.name, arm.variant, arm.block, arm.in_block) for arm in arms] == [
        ("token/concat", "uvit-nano/4", "token", "concat"),
        ("token/none", "uvit-nano/4+skip=none", "token", "none"),
        ("adaln/concat", "uvit-nano/4+time=adaln", "adaln", "concat"),
        ("adaln/none", "uvit-nano/4+skip=none+time=adaln", "adaln", "none"),
    ]
    assert [grid.baseline_of(arm) for arm in arms] == ["token/concat"] * 2 + ["adaln/concat"] * 2
    assert arms[1].formula == arms[3].formula


def test_blocks_of_written_variants_whole_ones_and_rivals(tmp_path: Path) -> None:
    text = 'question = "Q?"\nbaseline = "a"\n[variants]\na = ""\nb = "uvit-micro/2+skip=add"\nc = "dit-s/~macs"\n'
    arms = load_grid(_write(tmp_path, text + '[within]\nprediction = ["eps", "v"]\n')).arms(
        "uvit-nano/4", image_size=32, settle=lambda variant: settled(variant, load_budgets().get("smoke"))
    )
    assert [(arm.name, arm.variant, arm.match) for arm in arms] == [
        ("eps/a", "uvit-nano/4", ""),
        ("eps/b", "uvit-micro/2+skip=add", ""),
        ("eps/c", "dit-s/4", "macs"),
        ("v/a", "uvit-nano/4+prediction=v", ""),
        ("v/b", "uvit-micro/2+prediction=v+skip=add", ""),
        ("v/c", "dit-s/4+prediction=v", "macs"),
    ]


def test_two_blocks_that_are_one_are_refused(tmp_path: Path) -> None:
    grid = load_grid(_write(tmp_path, GOOD + '[within]\npatch = ["4", "2"]\n'))
    assert len(grid.arms("uvit-nano/4", image_size=32)) == 4
    with pytest.raises(ValueError, match=r"\[within\] patch: 4 and 2 are the same \(x\) here; leave one of them out"):
        grid.arms("uvit-nano/4", image_size=32, settle=lambda variant: "x")


def test_a_variant_that_names_the_blocks_axis_is_refused(tmp_path: Path) -> None:
    text = (
        'question = "Q?"\nbaseline = "a"\n[variants]\na = ""\nb = "+time=adaln"\n[within]\ntime = ["token", "adaln"]\n'
    )
    with pytest.raises(ValueError, match="axis 'time' is given twice"):
        load_grid(_write(tmp_path, text)).arms("uvit-nano/4", image_size=32)
