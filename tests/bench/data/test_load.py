"""Names, lists, tensors, folders, and the promise that none of it imports torch before it must."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.data import (
    DATASETS,
    Chunk,
    Recipe,
    Source,
    Split,
    batch,
    find_recipe,
    list_datasets,
    load_dataset,
    to_uint8,
    to_unit,
)
from bench.data.holdout import hold_out
from bench.data.pixels import area_mean
from bench.data.source import content_hash, shuffled
from bench.files import paths
from tests.bench.data.makers import pixels

ROOT = Path(__file__).parents[3]


def test_list_names_every_dataset_with_a_line() -> None:
    rows = {row["name"]: row["description"] for row in list_datasets()}
    assert {"photos", "cifar10", "fashion-mnist", "folder:PATH", "npz:PATH"} <= set(rows)
    assert all(text and "\n" not in text for text in rows.values())


def test_listing_and_finding_import_no_torch() -> None:
    code = "import sys, bench.data as d; d.list_datasets(); d.find_recipe('photos'); print('torch' in sys.modules)"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fotos", "unknown dataset.*photos"),
        ("", "unknown dataset"),
        ("folder", "needs a path: write folder:PATH"),
        ("npz:", "needs a path: write npz:PATH"),
        ("photos:train", "takes no path"),
        ("photos:", "takes no path"),
    ],
)
def test_wrong_names_are_refused_in_one_line(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        load_dataset(name, cache_dir=tmp_path)
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_recipe_tells_size_and_fingerprint_without_decoding(tmp_path: Path) -> None:
    recipe = find_recipe("photos", image_size=8, data_dir=tmp_path)
    assert (recipe.image_size, recipe.channels, recipe.num_classes) == (8, 3, 7) and len(recipe.fingerprint) == 64


def test_a_plugin_registers_its_own(tmp_path: Path) -> None:
    def decode() -> Iterator[Chunk]:
        yield Chunk("train", pixels(0, 3, 1, 4, 4), None)
        yield Chunk("train", pixels(1, 2, 1, 4, 4), None)

    def find(_: object) -> Recipe:
        fields = {"image_size": 4, "channels": 1, "num_classes": 0, "flip": True}
        return Recipe(name="mine", fingerprint="ab" * 32, decode=decode, **fields)  # type: ignore[arg-type]

    DATASETS.register("mine-for-a-test", Source(name="mine-for-a-test", description="x", find=find))
    dataset = load_dataset("mine-for-a-test", cache_dir=tmp_path)
    assert len(dataset.train) == 5 and dataset.held_out is None and dataset.card["held_out"] == 0
    assert np.array_equal(dataset.train.images[3:], pixels(1, 2, 1, 4, 4))


# tensors


def _split() -> Split:
    return Split(name="x:train", fingerprint="0", images=pixels(0, 10, 3, 4, 4))


def test_batch_gathers_and_mirrors_where_asked() -> None:
    split = _split()
    before = split.images.copy()
    out = batch(split, [7, 2, 2], [False, True, False])
    assert out.dtype == torch.uint8 and out.shape == (3, 3, 4, 4) and out.is_contiguous()
    assert np.array_equal(out[0], before[7]) and np.array_equal(out[1], before[2][:, :, ::-1])
    assert np.array_equal(out[2], before[2]) and np.array_equal(split.images, before)
    assert np.array_equal(batch(split, np.array([1]), None)[0], before[1])


def test_batch_of_read_only_memory_is_writable(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", pixels(0, 5, 3, 4, 4))
    mapped = Split(name="x", fingerprint="0", images=np.load(tmp_path / "x.npy", mmap_mode="r"))
    out = batch(mapped, np.arange(5), np.ones(5, bool))
    out.zero_()
    assert mapped.images.any()


def test_unit_range_round_trips_every_value() -> None:
    values = torch.arange(256, dtype=torch.uint8)
    unit = to_unit(values)
    assert unit.dtype == torch.float32 and (unit.min(), unit.max()) == (-1, 1)
    assert torch.equal(to_uint8(unit), values)
    assert torch.equal(to_uint8(unit.bfloat16().float()) - values.float() < 2, torch.ones(256, dtype=torch.bool))


def test_to_uint8_rounds_and_clamps() -> None:
    x = torch.tensor([-9.0, -1.0, 0.0, 1.0, 9.0, torch.inf, -1 + 0.6 / 127.5])
    assert to_uint8(x).tolist() == [0, 0, 128, 255, 255, 255, 1]


# helpers


@given(st.integers(2, 120_000))
def test_hold_out_is_a_tenth_within_bounds_and_a_partition(count: int) -> None:
    parts = hold_out(count, "x")
    assert len(parts["held_out"]) == min(5_000, max(1, count // 10))
    assert np.array_equal(np.sort(np.concatenate([parts["train"], parts["held_out"]])), np.arange(count))


def test_shuffle_is_fixed_for_ever() -> None:
    assert shuffled("hold-out", 8).tolist() == [1, 4, 2, 3, 5, 0, 7, 6]
    assert not np.array_equal(shuffled("a", 50), shuffled("b", 50))


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_area_mean_is_the_rounded_mean(k: int, size: int, seed: int) -> None:
    images = pixels(seed, 3, 2, size * k, size * k)
    exact = images.reshape(3, 2, size, k, size, k).mean((3, 5))
    assert np.array_equal(area_mean(images, size), np.floor(exact + 0.5).astype(np.uint8))


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_content_hash_tells_lists_apart(a: list[bytes], b: list[bytes]) -> None:
    assert (content_hash(*a) == content_hash(*b)) == (a == b)


# folders


def test_folders_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("UVIT_CACHE", "UVIT_DATA"):
        monkeypatch.delenv(name, raising=False)
    assert paths.cache_dir() == tmp_path / "home" / ".cache" / "uvit" and paths.data_dir() == tmp_path / "data"
    monkeypatch.setenv("UVIT_CACHE", "~/c")
    monkeypatch.setenv("UVIT_DATA", "d")
    assert paths.cache_dir() == tmp_path / "home" / "c" and paths.data_dir() == tmp_path / "d"
    monkeypatch.setenv("UVIT_DATA", "")
    assert paths.data_dir() == tmp_path / "data"


def test_loading_uses_those_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UVIT_CACHE", str(tmp_path / "c"))
    np.savez(tmp_path / "x.npz", images=pixels(0, 4, 8, 8, 3))
    load_dataset(f"npz:{tmp_path / 'x.npz'}")
    assert list((tmp_path / "c" / "datasets").iterdir())
