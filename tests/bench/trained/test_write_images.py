"""What ``uvit sample`` writes: a folder of PNG files or one .npz, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.trained.sample import write_images

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_folder_holds_each_image(tmp_path: Path, channels: int) -> None:
    out = write_images(IMAGES[..., :channels], tmp_path / "deep" / "out")
    assert [path.name for path in sorted(out.iterdir())] == ["000000.png", "000001.png", "000002.png"]
    for path, image in zip(sorted(out.iterdir()), IMAGES[..., :channels], strict=True):
        assert np.array_equal(np.asarray(Image.open(path)).reshape(image.shape), image)
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_archive_holds_all(tmp_path: Path) -> None:
    with np.load(write_images(IMAGES, tmp_path / "out.npz")) as archive:
        assert np.array_equal(archive["images"], IMAGES)


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, saved = Image.Image.save, list[Path]()

    def full(image: Image.Image, path: Path) -> None:
        if len(saved) == 2:
            raise OSError(28, "No space left on device")
        saved.append(path)
        save(image, path)

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device$"):
        write_images(IMAGES, tmp_path / "out")
    assert len(saved) == 2 and list(tmp_path.iterdir()) == []


def test_files_that_came_there_meanwhile_are_kept(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(OSError, match="not empty"):
        write_images(IMAGES, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"
