"""TensorBoard: event files of cells, behind the extra ``tracking``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

Event = dict[str, Any]


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
        for key in ("loss", "grad_norm", "imgs_per_s"):
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
