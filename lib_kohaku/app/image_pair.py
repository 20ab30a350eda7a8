"""The same image twice: what may be asked for, and what came of it."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass, replace

from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.quality.images import Picture, compare_images
from lib_kohaku.host.fp8_control import ImageRequest

_SMALLEST, _LARGEST, _UNIT = 64, 2048, 8
_MOST_STEPS = 150
_LARGEST_SEED = 2**32 - 1
_LONGEST_PROMPT = 20_000


@dataclass(frozen=True)
class ImagePair:
    """An image made twice. Pictures are PNG files: results of tasks are kept for a while.

    Attributes:
        names: How the model was held for each.
        seed: The seed of both.
        psnr_db: See :class:`~lib_kohaku.fp8.quality.images.Likeness`; infinite for equal images.
        ssim: Likewise.
        largest: Likewise.
        first: The first image.
        second: The second image.
        difference: Their difference, eight times as strong.
    """

    names: tuple[str, str]
    seed: int
    psnr_db: float
    ssim: float
    largest: int
    first: bytes
    second: bytes
    difference: bytes


def compared(names: tuple[str, str], seed: int, pictures: tuple[Picture, Picture]) -> ImagePair:
    """Compare two images of one seed.

    Raises:
        Fp8Error: If they cannot be compared.
    """
    likeness = compare_images(*pictures)
    files = (_png(picture) for picture in (*pictures, likeness.difference))
    return ImagePair(names, seed, likeness.psnr_db, likeness.ssim, likeness.largest, *files)


def checked_request(request: ImageRequest) -> ImageRequest:
    """A request that can be served; for a negative seed, which means "any" to the webui, one is drawn for both images.

    Raises:
        RefusedError: If the image cannot be made so.
    """
    sizes = (request.width, request.height)
    if not all(size % _UNIT == 0 and _SMALLEST <= size <= _LARGEST for size in sizes):
        raise RefusedError(f"Width and height are multiples of {_UNIT} from {_SMALLEST} to {_LARGEST}.")
    if not 1 <= request.steps <= _MOST_STEPS:
        raise RefusedError(f"There are 1 to {_MOST_STEPS} steps.")
    if request.seed > _LARGEST_SEED:
        raise RefusedError(f"The largest seed is {_LARGEST_SEED}.")
    if max(len(request.prompt), len(request.negative)) > _LONGEST_PROMPT:
        raise RefusedError(f"A prompt has at most {_LONGEST_PROMPT} characters.")
    return replace(request, seed=secrets.randbelow(_LARGEST_SEED + 1)) if request.seed < 0 else request


def _png(picture: Picture) -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    return data.getvalue()
