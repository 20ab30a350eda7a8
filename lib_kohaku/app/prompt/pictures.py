"""Pictures of presets: small, and made anew, so that nothing of a stranger's file is kept but what it shows."""

from __future__ import annotations

import base64
import binascii
import io
from importlib.util import find_spec
from typing import Any

from lib_kohaku.errors import RefusedError

LARGEST_PICTURE = 8 * 1024 * 1024
LONGEST_SIDE = 256
_MOST_PIXELS = 64_000_000
_FORMATS = ("PNG", "JPEG", "WEBP")
_QUALITY = 85
_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


def thumbnail_of(picture: bytes) -> bytes:
    """A small JPEG of a picture, at most :data:`LONGEST_SIDE` pixels on its longer side, without any metadata.

    Args:
        picture: A PNG, JPEG or WebP file of at most :data:`LARGEST_PICTURE` bytes.

    Raises:
        RefusedError: If it is no such picture, if it is damaged, larger than 64 million pixels, or if Pillow, which
            every webui brings along, is not installed.
    """
    if len(picture) > LARGEST_PICTURE:
        raise RefusedError(f"A preset's picture may have at most {LARGEST_PICTURE // 2**20} MB.")
    if find_spec("PIL") is None:
        raise RefusedError("Pictures need Pillow: pip install Pillow.")
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(picture), formats=_FORMATS) as opened:
            if opened.width * opened.height > _MOST_PIXELS:  # known from the header, before anything is decoded
                raise RefusedError(f"The picture has more than {_MOST_PIXELS // 10**6} million pixels.")
            opened.draft("RGB", (LONGEST_SIDE * 2, LONGEST_SIDE * 2))
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            buffer = io.BytesIO()
            _on_white(upright).save(buffer, "JPEG", quality=_QUALITY)
    except RefusedError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever their formats go wrong with
        raise RefusedError("This is no PNG, JPEG or WebP picture that can be read.") from error
    return buffer.getvalue()


def _on_white(image: Any) -> Any:
    """Without transparency, which a JPEG cannot hold."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        seen = image.convert("RGBA")
        ground = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(ground, seen).convert("RGB")
    return image.convert("RGB")


def decoded(text: str, most: int) -> bytes:
    """The bytes of a file that the page sent in base 64, with or without ``data:...,`` before it.

    Raises:
        RefusedError: If it is no base 64, or more than ``most`` bytes.
    """
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    if len(encoded) // 4 * 3 > most + 3:
        raise RefusedError(f"Files of more than {most // 2**20} MB are not read.")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError("The page sent a file that cannot be understood; reload it.") from error


def as_address(picture: bytes) -> str:
    """A picture as an address that a page can show without asking again; empty if it is none."""
    kind = next((kind for magic, kind in _TYPES.items() if picture.startswith(magic)), "")
    return f"data:{kind};base64,{base64.b64encode(picture).decode()}" if kind else ""
