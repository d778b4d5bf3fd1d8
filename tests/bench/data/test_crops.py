"""Each dataset's square, against the published code's way written out with other tools."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

from bench.data.crops import adm_square, face_square, lanczos_square
from tests.bench.data.makers import pixels
from tests.bench.data.trees import photograph


def test_imagenet_is_halved_by_means_then_resized_then_cut() -> None:
    """Blocks of 4x4 equal pixels, whose means are exact: halved twice, since 128 is the first side under 2 times 96."""
    small = pixels(3, 128, 192, 3)
    large = small.repeat(4, axis=0).repeat(4, axis=1)
    expected = Image.fromarray(small).resize((144, 96), Image.Resampling.BICUBIC).crop((24, 0, 120, 96))
    assert np.array_equal(np.asarray(adm_square(Image.fromarray(large), 96)), np.asarray(expected))


def test_imagenet_twice_the_size_is_halved_by_means_alone() -> None:
    small = pixels(4, 64, 70, 3)
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(np.asarray(adm_square(Image.fromarray(large), 64)), small[:, 3:67])


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 64), (500, 375), (375, 500), (40, 30), (63, 1000)])
@pytest.mark.parametrize("size", [16, 64])
def test_imagenet_squares_have_the_size_whatever_came(height: int, width: int, size: int) -> None:
    assert adm_square(Image.fromarray(photograph(1, height, width)), size).size == (size, size)


def test_imagenet_at_its_own_size_is_left_alone() -> None:
    image = pixels(0, 64, 80, 3)
    assert np.array_equal(np.asarray(adm_square(Image.fromarray(image), 64)), image[:, 8:72])


def test_a_face_is_torchvision_s_crop_and_resize() -> None:
    """``crop(top 121 - 64, left 89 - 64, 128, 128)`` and ``Resize(64)``, bilinear and antialiased on Pillow images."""
    image = Image.fromarray(pixels(2, 218, 178, 3))
    expected = F.resize(F.crop(image, 57, 25, 128, 128), [64, 64], InterpolationMode.BILINEAR)
    assert np.array_equal(np.asarray(face_square(image, 64)), np.asarray(expected))
    assert np.array_equal(np.asarray(face_square(image, 128)), np.asarray(image)[57:185, 25:153])


def test_coco_is_the_centre_by_lanczos() -> None:
    image = photograph(5, 333, 500)
    cut = np.ascontiguousarray(image[:, 83:416])  # (500 - 333) // 2 columns are left away on the left
    expected = Image.fromarray(cut).resize((256, 256), Image.Resampling.LANCZOS)
    found = np.asarray(lanczos_square(Image.fromarray(image), 256))
    assert np.array_equal(found, np.asarray(expected))
    smooth = F.resize(torch.from_numpy(cut).permute(2, 0, 1).float(), [256, 256], antialias=True).permute(1, 2, 0)
    assert np.abs(found - smooth.numpy()).max() < 3  # another filter, the same place
