"""Trackers: what cells say while they run, in another program's files. One so far, TensorBoard, behind an extra.

``DIR/tensorboard/<train_id>/``: the scalars ``train/loss``, ``train/grad_norm``, ``train/imgs_per_s`` and
``score/<metric>/<weights>``, the image ``samples/<weights>`` and the text ``cell``, all at their training steps.
Records stay the only source of reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ablations.trackers.tensorboard import Event, TensorBoard
from variants.registry import Registry

Tell = Callable[[Event], None]


def check_tracker(name: str) -> None:
    """Raise ValueError unless ``name`` is a tracker (or empty) whose package is installed."""
    if name:
        TRACKERS.get(name)
        if find_spec(name) is None:
            raise ValueError(
                f"--track {name}: expected the package {name}, which is not installed: "
                "pip install 'uvit-ablations[tracking]'"
            )


@contextmanager
def tracked(name: str, root: Path, *, train_id: str, title: str, tell: Tell) -> Iterator[Tell]:
    """A ``tell`` that also writes every event with the tracker ``name``; ``tell`` itself where that is empty."""
    if not name:
        yield tell
        return
    tracker = TRACKERS.get(name)(root / name / train_id, title)

    def told(event: Event) -> None:
        tracker.tell(event)
        tell(event)

    try:
        yield told
    finally:
        tracker.close()


TRACKERS: Registry[Callable[[Path, str], TensorBoard]] = Registry("tracker")
TRACKERS.register("tensorboard", TensorBoard)
