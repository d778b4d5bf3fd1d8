"""How the paper's datasets become squares; each is the official code's preparation, written anew.

Pillow's resize is antialiased; its filters are those that torchvision's ``Resize`` uses on Pillow images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

FACE_SIZE = (178, 218)  # width and height of CelebA's aligned faces
FACE_CENTRE, FACE_HALF = (89, 121), 64


def adm_square(image: Image, size: int) -> Image:
    """ImageNet as in ADM (Dhariwal and Nichol 2021, arXiv:2105.05233) and every paper that compares with it.

    Halved by 2x2 means while the short side is at least twice ``size``, then resized by bicubic interpolation until
    the short side is ``size``, and only then cut to the centre.
    """
    from PIL.Image import Resampling

    while min(image.size) >= 2 * size:
        image = image.resize((image.width // 2, image.height // 2), Resampling.BOX)
    scale = size / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Resampling.BICUBIC)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))


def face_square(image: Image, size: int) -> Image:
    """CelebA: the 128 by 128 pixels around (89, 121) of an aligned face, by bilinear interpolation to ``size``."""
    from PIL.Image import Resampling

    (x, y), half = FACE_CENTRE, FACE_HALF
    face = image.crop((x - half, y - half, x + half, y + half))
    return face.resize((size, size), Resampling.BILINEAR)


def lanczos_square(image: Image, size: int) -> Image:
    """MS-COCO: the largest centred square, by Lanczos interpolation to ``size``."""
    from PIL.Image import Resampling

    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side)).resize((size, size), Resampling.LANCZOS)
