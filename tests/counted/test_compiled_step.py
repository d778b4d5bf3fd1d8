"""The compiled training step is one graph that is made once: no break in it, and no second compilation.

Both are decided before a backend writes code, so a backend that writes none counts them: inductor takes a minute.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch._dynamo.testing import CompileCounter
from torch._dynamo.utils import counters

from tests.counted.subjects import PRESETS, RUNTIMES, trained, training_data


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Iterator[CompileCounter]:
    """Counts the graphs that reach a backend, in inductor's place."""
    counter, compile_network = CompileCounter(), torch.compile

    def counting(network: Any, *, dynamic: bool, options: object) -> Any:
        return compile_network(network, dynamic=dynamic, backend=counter)

    torch.compiler.reset()
    counters.clear()
    monkeypatch.setattr(torch, "compile", counting)
    yield counter
    torch.compiler.reset()


@pytest.mark.parametrize(
    ("preset", "runtime"), [*((preset, "bfloat16") for preset in PRESETS), ("uvit-micro/4", "float32")]
)
def test_a_compiled_step_is_one_graph_and_made_once(preset: str, runtime: str, graphs: CompileCounter) -> None:
    compiling = dataclasses.replace(RUNTIMES[runtime], compile=True)
    state, data = trained(preset, compiling), training_data()
    state.warm_up(data[0])
    assert graphs.frame_count == 1
    for _ in range(3):
        state.train_step(*data)
    trained(preset, compiling, seed=1).train_step(*data)  # the next cell of a grid
    assert graphs.frame_count == 1, "compiled again"
    assert not counters["graph_break"]
