"""Which kind of picture it is, and where its kind keeps generation parameters."""

from __future__ import annotations

from collections.abc import Iterator

from lib_kohaku.prompt.picture_text import png
from lib_kohaku.prompt.picture_text.errors import PictureError, damaged
from lib_kohaku.prompt.picture_text.exif import user_comment

LARGEST_PICTURE = 32 * 1024 * 1024
_LONGEST_TEXT = 400_000  # bytes; UTF-16 takes two for a letter
_JPEG = b"\xff\xd8\xff"
_KEYWORD = "parameters"
_EXIF = b"Exif\0\0"
_MOST_PARTS = 10_000
_APP1, _START_OF_SCAN, _END = 0xE1, 0xDA, 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


def read_picture_text(data: bytes) -> str:
    """The generation parameters that a picture carries, as the webui writes them.

    PNG files have them as a text chunk ``parameters``, JPEG and WebP files as the EXIF user comment. Only the parts
    of the file are walked through; no pixel is decoded and no more than a text's worth is inflated.

    Args:
        data: The whole file, at most :data:`LARGEST_PICTURE` bytes.

    Raises:
        PictureError: If it is too large, no such picture, damaged, or without parameters.
    """
    if len(data) > LARGEST_PICTURE:
        raise PictureError(f"Pictures of more than {LARGEST_PICTURE // 2**20} MB are not read.")
    text = _text(data)
    if text is None or not text.strip("\0 \n\t\r"):
        raise PictureError("This picture has no generation parameters in it. Many sites remove them.")
    return text.strip("\0").strip()


def _text(data: bytes) -> str | None:
    if data.startswith(png.SIGNATURE):
        text = png.text_of(data, _KEYWORD, _LONGEST_TEXT)
        block = None if text is not None else png.chunk_of(data, b"eXIf")
        return user_comment(block, _LONGEST_TEXT) if block else text
    if data.startswith(_JPEG):
        return _first_comment(_jpeg_blocks(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _first_comment(_webp_blocks(data))
    raise PictureError("Only PNG, JPEG and WebP pictures are read.")


def _first_comment(blocks: Iterator[bytes]) -> str | None:
    comments = (user_comment(block, _LONGEST_TEXT) for block in blocks)
    return next((comment for comment in comments if comment), None)


def _jpeg_blocks(data: bytes) -> Iterator[bytes]:
    """The EXIF blocks before the pixels."""
    position = 2
    for _ in range(_MOST_PARTS):
        if position + 2 > len(data) or data[position] != 0xFF:
            raise damaged("JPEG")
        marker = data[position + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:  # a filling byte, or a marker that stands alone
            position += 1 if marker == 0xFF else 2
            continue
        if marker in (_START_OF_SCAN, _END):
            return
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if length < 2 or position + 2 + length > len(data):
            raise damaged("JPEG")
        body = data[position + 4 : position + 2 + length]
        if marker == _APP1 and body.startswith(_EXIF):
            yield body
        position += 2 + length
    raise damaged("JPEG")


def _webp_blocks(data: bytes) -> Iterator[bytes]:
    position, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    for _ in range(_MOST_PARTS):
        if position >= end:
            return
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if position + 8 + length > len(data):
            raise damaged("WebP")
        if data[position : position + 4] == b"EXIF":
            yield data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    raise damaged("WebP")
