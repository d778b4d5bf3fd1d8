"""Trackers: what cells say while they run, in another program's files. One so far, TensorBoard, behind an extra.

``DIR/tensorboard/<train_id>/``: the scalars ``train/loss``, ``train/imgs_per_s`` and ``score/<metric>/<weights>``, the
image ``samples/<weights>`` and the text ``cell``, all at their training steps. Records stay the only source of reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from variants.registry import Registry

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

Event = dict[str, Any]
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


class TensorBoard:
    """Event files of one cell. Nothing is written before its first event."""

    def __init__(self, folder: Path, title: str) -> None:
        self.folder, self.title = folder, title
        self.writer: SummaryWriter | None = None

    def tell(self, event: Event) -> None:
        """Write what an event of the pipeline holds: a loss, a score, a picture."""
        step = event["step"]
        if self.writer is None:
            self.writer = self._open(step)
        for key in ("loss", "imgs_per_s"):
            if key in event:
                self.writer.add_scalar(f"train/{key}", event[key], step)
        if score := event.get("score"):
            self.writer.add_scalar(f"score/{score['metric']}/{score['weights']}", score["value"], step)
            self.writer.flush()
        if picture := event.get("picture"):
            self._picture(self.writer, Path(picture["path"]), picture["weights"], step)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()

    def _open(self, step: int) -> SummaryWriter:
        from torch.utils.tensorboard import SummaryWriter

        # a resumed cell goes on from its checkpoint: what an earlier process wrote after that is void
        writer = SummaryWriter(str(self.folder), purge_step=step or None)
        writer.add_text("cell", self.title, step)
        return writer

    @staticmethod
    def _picture(writer: SummaryWriter, path: Path, weights: str, step: int) -> None:
        import numpy as np
        from PIL import Image

        with Image.open(path) as image:
            writer.add_image(f"samples/{weights}", np.asarray(image.convert("RGB")), step, dataformats="HWC")


TRACKERS: Registry[Callable[[Path, str], TensorBoard]] = Registry("tracker")
TRACKERS.register("tensorboard", TensorBoard)
