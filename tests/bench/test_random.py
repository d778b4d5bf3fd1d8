"""Streams: named by seed, purpose and step alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.random import BLOCK, block_noise, normal, permutation, stream


def test_a_stream_is_its_name_and_nothing_else() -> None:
    first = stream(3, "noise", 7).random(5)
    stream(3, "noise", 8).random(100)
    assert np.array_equal(first, stream(3, "noise", 7).random(5))


@pytest.mark.parametrize("other", [(4, "noise", 7), (3, "time", 7), (3, "noise", 8), (3, "noise"), (3, "noise", 7, 0)])
def test_another_name_is_another_stream(other: tuple[int, str, int]) -> None:
    assert not np.array_equal(stream(3, "noise", 7).random(5), stream(*other).random(5))


def test_draws_are_the_same_on_every_machine() -> None:
    # written down once: a change here would change what every seed means
    assert stream(0, "noise", 0).integers(0, 2**32, 3).tolist() == GOLDEN
    assert torch.equal(normal(stream(1, "x"), (2, 3)), normal(stream(1, "x"), (6,)).view(2, 3))


GOLDEN = [917840270, 2560949951, 3733559081]


@settings(max_examples=25, deadline=None)
@given(start=st.integers(0, 200), count=st.integers(1, 150))
def test_a_row_of_block_noise_does_not_depend_on_the_batch(start: int, count: int) -> None:
    table = block_noise(5, "sample", start=0, count=350, shape=(2, 3))
    assert torch.equal(block_noise(5, "sample", start=start, count=count, shape=(2, 3)), table[start : start + count])


def test_blocks_of_noise_differ() -> None:
    table = block_noise(5, "sample", start=0, count=3 * BLOCK, shape=(4,))
    assert len({row.sum().item() for row in table}) == 3 * BLOCK


def test_block_noise_has_a_table_a_step() -> None:
    rows = [block_noise(5, "sample_step", start=0, count=BLOCK, shape=(1,), step=step) for step in (0, 1)]
    assert not torch.equal(rows[0], rows[1])
    assert rows[0].dtype == torch.float32


def test_epochs_are_permutations_that_differ() -> None:
    first, second = permutation(0, "order", 0, 100), permutation(0, "order", 1, 100)
    assert sorted(first) == sorted(second) == list(range(100))
    assert not np.array_equal(first, second)
