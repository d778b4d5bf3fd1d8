"""What a piece of work asks of torch, counted at its dispatcher: the same on any machine, however busy or fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READS = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)  # item(), equal(); nonzero(), masked_select()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCall:
    """One operator that was dispatched."""

    name: str
    phase: str
    storages: int  # that it made
    cast: int | None  # the storage whose numbers it wrote in another dtype, as `storage_of` names it
    reads: bool  # whether the host must know a number to go on


class OperatorCalls:
    """The operators of a piece of work, in order. ``phase`` names those that come while no gradient is taken."""

    def __init__(self) -> None:
        self.phase, self.calls = "forward", list[OperatorCall]()

    def operators(self, phase: str) -> int:
        return len(self._of(phase))

    def allocations(self, phase: str) -> int:
        """New storages; what a kernel takes for itself while it runs is not in it."""
        return sum(call.storages for call in self._of(phase))

    def casts(self, phase: str) -> Counter[int]:
        """How often each storage was written in another dtype."""
        return Counter(call.cast for call in self._of(phase) if call.cast is not None)

    def reads(self) -> list[str]:
        """Operators at which the host waits for the device."""
        return [call.name for call in self.calls if call.reads]

    def _of(self, phase: str) -> list[OperatorCall]:
        return [call for call in self.calls if call.phase == phase]


@contextmanager
def counted() -> Iterator[OperatorCalls]:
    """Count what the block dispatches, in this thread and in the work that it hands to a pool of threads."""
    found, submit = OperatorCalls(), ThreadPoolExecutor.submit

    def followed(pool: ThreadPoolExecutor, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        def in_its_thread() -> Any:
            with _Watch(found, phase="forward"):
                return work(*args, **kwargs)

        return submit(pool, in_its_thread)

    ThreadPoolExecutor.submit = followed  # type: ignore[method-assign, assignment]
    try:
        with _Watch(found):
            yield found
    finally:
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]


def storage_of(tensor: Tensor) -> int:
    """A name for the memory behind ``tensor``, good while it lives."""
    return int(tensor.untyped_storage()._cdata)


class _Watch(TorchDispatchMode):
    """The mode of one thread, for none sees another's; ``phase`` in place of the one that `OperatorCalls` has."""

    def __init__(self, found: OperatorCalls, phase: str | None = None) -> None:
        super().__init__()
        self._found, self._phase = found, phase

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with self:  # what autograd takes apart; without it, in inference mode, nobody has yet
            parts = func.decompose(*args, **(kwargs or {}))
        if parts is not NotImplemented:
            return parts
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        out = func(*args, **(kwargs or {}))
        if func.namespace == "aten":  # not the profiler's marks
            made = [leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
            self._found.calls.append(self._call(func, given, made))
        return out

    def _call(self, func: Any, given: list[Tensor], made: list[Tensor]) -> OperatorCall:
        return OperatorCall(
            name=str(func),
            phase="backward" if _in_backward() else self._phase or self._found.phase,
            storages=len({storage_of(tensor) for tensor in made} - {storage_of(tensor) for tensor in given}),
            cast=_cast(func, given, made),
            reads=any(tag in func.tags for tag in READS),
        )


def _in_backward() -> bool:
    """As torch.utils.module_tracker asks it."""
    return bool(torch._C._current_graph_task_id() != -1)


def _cast(func: Any, given: list[Tensor], made: list[Tensor]) -> int | None:
    if func.overloadpacket not in (torch.ops.aten._to_copy, torch.ops.aten.copy_):
        return None
    source = given[-1]  # copy_(destination, source)
    return storage_of(source) if source.dtype != made[0].dtype else None
