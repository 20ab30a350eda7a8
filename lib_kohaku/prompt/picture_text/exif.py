"""The user comment of EXIF data (EXIF 2.32, 4.6.5), which the webui writes into JPEG and WebP files."""

from __future__ import annotations

from typing import Literal

from lib_kohaku.prompt.picture_text.errors import PictureError, damaged

_HEADER = b"Exif\0\0"
_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II*\0": "little", b"MM\0*": "big"}
_EXIF_FOLDER, _USER_COMMENT = 0x8769, 0x9286
_ENTRY = 12
_MOST_ENTRIES = 1000
_BYTE_SIZES = {1: 1, 2: 1, 4: 4, 7: 1, 13: 4}
_CODE_LENGTH = 8


def user_comment(exif: bytes, most: int) -> str | None:
    """The user comment of an EXIF block.

    Args:
        exif: The block, with or without ``Exif`` before the TIFF header.
        most: Comments of more bytes than this are refused.

    Returns:
        The comment, or None if there is none.

    Raises:
        PictureError: If the block is damaged or the comment is too long.
    """
    block = exif.removeprefix(_HEADER)
    order = _ORDERS.get(block[:4])
    if order is None:
        raise damaged("EXIF")
    root = int.from_bytes(block[4:8], order)
    folder = _value(block, order, root, _EXIF_FOLDER)
    if folder is None:
        return None
    comment = _value(block, order, int.from_bytes(folder, order), _USER_COMMENT)
    if comment is None:
        return None
    if len(comment) > most:
        raise PictureError(
            f"The text in this picture has more than {most:,} bytes; those are no generation parameters."
        )
    return _decoded(comment, order)


def _value(block: bytes, order: Literal["little", "big"], start: int, tag: int) -> bytes | None:
    """The bytes of a tag in the folder at ``start``."""

    def number(position: int, size: int) -> int:
        if not 0 <= position <= len(block) - size:
            raise damaged("EXIF")
        return int.from_bytes(block[position : position + size], order)

    count = number(start, 2)
    if count > _MOST_ENTRIES:
        raise damaged("EXIF")
    for entry in range(start + 2, start + 2 + count * _ENTRY, _ENTRY):
        if number(entry, 2) != tag:
            continue
        size = _BYTE_SIZES.get(number(entry + 2, 2), 0) * number(entry + 4, 4)
        place = entry + 8 if size <= 4 else number(entry + 8, 4)
        if not size or place + size > len(block):
            raise damaged("EXIF")
        return block[place : place + size]
    return None


def _decoded(comment: bytes, order: Literal["little", "big"]) -> str:
    """The text behind the eight bytes that name its code."""
    code, text = comment[:_CODE_LENGTH].rstrip(b"\0 "), comment[_CODE_LENGTH:]
    if code == b"UNICODE":
        return _utf16(text, order)
    if code == b"JIS":
        return text.decode("iso2022_jp", "replace")
    if code in (b"ASCII", b""):
        return text.decode("utf-8", "replace")
    return comment.decode("utf-8", "replace")  # some programs leave the code out


def _utf16(text: bytes, order: Literal["little", "big"]) -> str:
    """The webui always writes the big end first, others follow the block; parameters are mostly of one byte each."""
    text = text[: len(text) // 2 * 2]
    zeros = {"big": text[0::2].count(0), "little": text[1::2].count(0)}
    fits = order if zeros["big"] == zeros["little"] else max(zeros, key=lambda name: zeros[name])
    return text.decode("utf-16-be" if fits == "big" else "utf-16-le", "replace").removeprefix("\ufeff")
