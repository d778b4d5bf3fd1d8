"""The user's own axes, loaded before a command looks at names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from variants import load_plugin


class HasPlugins(Protocol):
    """A request with files that register axes."""

    @property
    def plugins(self) -> Sequence[Path]: ...


R = TypeVar("R", bound=HasPlugins)
P = ParamSpec("P")
T = TypeVar("T")


def with_plugins(command: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
    """``command``, which loads the plugins of its request first; raises as `load_plugin` does."""

    @functools.wraps(command)
    def loaded(request: R, *args: P.args, **more: P.kwargs) -> T:
        for path in request.plugins:
            load_plugin(path)
        return command(request, *args, **more)

    return loaded
