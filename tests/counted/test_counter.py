"""The counter itself: what it takes for an operator, an allocation, a cast and a read, in every thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch

from tests.counted.counter import counted, storage_of


def test_operators_and_allocations_are_told_by_phase() -> None:
    x, weight = torch.ones(4, 8), torch.ones(8, 2, requires_grad=True)
    with counted() as calls:
        loss = (x @ weight).view(8).sum()  # mm, view, sum
        loss.backward()
        calls.phase = "optimizer"
        weight.detach().mul_(0.5)
    assert [call.name for call in calls.calls[:3]] == ["aten.mm.default", "aten.view.default", "aten.sum.default"]
    assert [call.storages for call in calls.calls[:3]] == [1, 0, 1]
    assert [call.name for call in calls.calls if call.phase == "backward"].count("aten.mm.default") == 1
    assert (calls.operators("optimizer"), calls.allocations("optimizer")) == (2, 0)


def test_casts_are_told_by_what_was_cast() -> None:
    x, out = torch.ones(3), torch.zeros(3, dtype=torch.bfloat16)
    with counted() as calls:
        x.bfloat16()
        out.copy_(x)
        x.to(memory_format=torch.contiguous_format, copy=True)
        torch.zeros(3).copy_(x)
    assert calls.casts("forward") == {storage_of(x): 2}


def test_a_number_that_the_host_asks_for_is_a_read() -> None:
    x = torch.tensor([1.0, 0.0])
    with counted() as calls:
        x.sum().item()
        bool(x.isfinite().all())
        x.nonzero()
        x[x > 0]
        torch.equal(x, x)
        assert len(calls.reads()) == 5
        x.max()
    assert len(calls.reads()) == 5


def test_work_in_a_pool_of_threads_is_counted_and_nothing_afterwards() -> None:
    x = torch.ones(3)
    with ThreadPoolExecutor(2) as pool:
        with counted() as calls:
            calls.phase = "sum"
            for other in [pool.submit(torch.neg, x) for _ in range(2)]:
                x = x + other.result()
        pool.submit(torch.neg, x).result()
    assert (calls.operators("forward"), calls.operators("sum")) == (2, 2)
