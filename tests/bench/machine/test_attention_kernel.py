"""Attention kernels: which shape, which is faster, measured once, kept once a grid has begun."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bench.machine import attention_kernel as kernels
from bench.machine.attention_kernel import AttentionShape, attention_shape, for_network, with_measured_attention
from bench.machine.runtime import Runtime
from variants import resolve
from variants.config import ModelConfig

BF16 = Runtime(precision="bfloat16", attention="plain")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UVIT_CACHE", str(tmp_path))
    return tmp_path / "attention.json"


def _config(variant: str = "uvit-micro/4", size: int = 16) -> ModelConfig:
    return resolve(variant, image_size=size, channels=3)


def _pretend(monkeypatch: pytest.MonkeyPatch, fused: float, plain: float) -> list[AttentionShape]:
    """Stand-in for the clock alone: these seconds for every shape; returns the shapes that were measured."""
    asked: list[AttentionShape] = []

    def measure(shape: AttentionShape, runtime: Runtime, training: bool) -> dict[str, float]:
        asked.append(shape)
        return {"fused": fused, "plain": plain}

    monkeypatch.setattr(kernels, "_measure", measure)
    return asked


def test_the_shape_is_read_off_the_network() -> None:
    assert attention_shape(_config()) == AttentionShape(length=17, heads=2, head_dim=32)
    assert attention_shape(_config("uvit-micro/4+time=adaln")) == AttentionShape(length=16, heads=2, head_dim=32)
    assert str(attention_shape(_config("uvit-s/2", 32))) == "257x8x64"


def test_a_real_measurement_is_made_once_and_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = with_measured_attention(BF16, [_config()])
    assert chosen.attention in ("plain", "fused")
    ((key, seconds),) = json.loads(cache.read_text()).items()
    assert key.endswith("|1|bfloat16|training|17x2x32")
    assert torch.__version__ in key
    assert set(seconds) == {"plain", "fused"}
    assert all(value > 0 for value in seconds.values())
    asked = _pretend(monkeypatch, 1.0, 1.0)
    assert with_measured_attention(BF16, [_config()]) == chosen
    assert not asked


def test_the_usual_kernel_stays_unless_the_other_is_clearly_faster(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    for fused, plain, precision, expected in (
        (1.0, 1.1, "bfloat16", "plain"),
        (1.0, 1.2, "bfloat16", "fused"),
        (1.1, 1.0, "float32", "fused"),
        (1.2, 1.0, "float32", "plain"),
    ):
        cache.unlink(missing_ok=True)
        _pretend(monkeypatch, fused, plain)
        runtime = Runtime(precision=precision)  # type: ignore[arg-type]
        assert with_measured_attention(runtime, [_config()]).attention == expected


def test_threads_precision_and_use_are_measured_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _pretend(monkeypatch, 1.0, 1.0)
    for runtime, training in (
        (BF16, True),
        (BF16, False),
        (Runtime(precision="bfloat16", threads=2), True),
        (Runtime(), True),
    ):
        with_measured_attention(runtime, [_config()], training=training)
    assert len(asked) == 4


def test_shapes_that_differ_have_a_kernel_each(monkeypatch: pytest.MonkeyPatch) -> None:
    short, long = _config("uvit-micro/8"), _config("uvit-micro/2")

    def measure(shape: AttentionShape, runtime: Runtime, training: bool) -> dict[str, float]:
        return {"fused": 1.0, "plain": 0.5 if shape.length < 60 else 2.0}

    monkeypatch.setattr(kernels, "_measure", measure)
    runtime = with_measured_attention(BF16, [short, long])
    assert runtime.attention == {"5x2x32": "plain", "65x2x32": "fused"}
    assert for_network(runtime, short).attention == "plain"
    assert for_network(runtime, long).attention == "fused"
    assert for_network(runtime, _config()).attention == "plain", "a shape that it lacks takes the usual kernel"
    assert Runtime.from_mapping(json.loads(json.dumps(runtime.asdict()))) == runtime


def test_a_grid_that_has_begun_keeps_its_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _pretend(monkeypatch, 1.0, 9.0)
    begun = Runtime(precision="bfloat16", attention="plain")
    assert with_measured_attention(begun, [_config()], settled=True) == begun
    by_shape = Runtime(precision="bfloat16", attention={"17x2x32": "plain", "65x2x32": "plain"})
    assert with_measured_attention(by_shape, [_config()], settled=True).attention == "plain"
    assert not asked
    more = with_measured_attention(by_shape, [_config(), _config("uvit-micro/8")], settled=True)
    assert more.attention == {"17x2x32": "plain", "65x2x32": "plain", "5x2x32": "fused"}


def test_accelerators_and_networks_without_attention_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _pretend(monkeypatch, 9.0, 1.0)
    cuda = Runtime(device="cuda:0", precision="bfloat16", attention="fused")
    assert with_measured_attention(cuda, [_config()]) == cuda
    monkeypatch.setattr(kernels, "attention_shape", lambda config: None)
    assert with_measured_attention(BF16, [_config()]) == BF16
    assert not asked


@pytest.mark.parametrize("content", [b"", b"[]", b'{"key": 3}', b"\xff\xfe", b'{"a": {"plain": "fast"}}'])
def test_a_damaged_cache_is_measured_again(content: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_bytes(content)
    asked = _pretend(monkeypatch, 9.0, 1.0)
    assert with_measured_attention(BF16, [_config()]).attention == "plain"
    assert len(asked) == 1
    assert len(json.loads(cache.read_text())) == 1


def test_a_cache_that_cannot_be_written_does_not_stop_the_run(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir()
    _pretend(monkeypatch, 9.0, 1.0)
    assert with_measured_attention(BF16, [_config()]).attention == "plain"
