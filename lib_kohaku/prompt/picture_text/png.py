"""Texts in a PNG file (PNG specification, third edition, 11.3.3: tEXt, zTXt, iTXt)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from lib_kohaku.prompt.picture_text.errors import PictureError, damaged

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD, _CHECKSUM = 8, 4
_MOST_CHUNKS = 100_000
_LONGEST_KEYWORD = 79


def text_of(data: bytes, keyword: str, most: int) -> str | None:
    """The first text under a keyword.

    Args:
        data: The whole file.
        keyword: Such as ``parameters``.
        most: Texts of more bytes than this are refused, before they are inflated.

    Returns:
        The text, or None if there is none.

    Raises:
        PictureError: If the file is damaged or the text is too long.
    """
    wanted = keyword.encode("latin-1")
    for kind, body in chunks(data):
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            name, zero, rest = body[: _LONGEST_KEYWORD + 1].partition(b"\0")
            if zero and name == wanted:
                return _text(kind, rest + body[_LONGEST_KEYWORD + 1 :], most)
    return None


def chunk_of(data: bytes, kind: bytes) -> bytes | None:
    """The contents of the first chunk of a kind, or None."""
    return next((body for found, body in chunks(data) if found == kind), None)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and contents of every chunk up to the end of the picture. Pixels are passed over, not copied.

    Raises:
        PictureError: If a chunk does not fit into the file, or a text's checksum is wrong.
    """
    position = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        head = data[position : position + _HEAD]
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        end = position + _HEAD + length
        if len(head) < _HEAD or end + _CHECKSUM > len(data):
            raise damaged("PNG")
        if kind == b"IEND":
            return
        if kind != b"IDAT":
            body = data[position + _HEAD : end]
            if zlib.crc32(kind + body) != int.from_bytes(data[end : end + _CHECKSUM], "big"):
                raise damaged("PNG")
            yield kind, body
        position = end + _CHECKSUM
    raise damaged("PNG")


def _text(kind: bytes, rest: bytes, most: int) -> str:
    if kind == b"tEXt":
        return _within(rest, most).decode("latin-1")
    if kind == b"zTXt":
        return _inflated(rest[1:], most).decode("latin-1") if rest[:1] == b"\0" else _unknown()
    compressed, method, rest = rest[:1], rest[1:2], rest[2:]
    _, first, rest = rest.partition(b"\0")  # the language
    _, second, rest = rest.partition(b"\0")  # the keyword in that language
    if not first or not second or compressed not in (b"\0", b"\1") or method != b"\0":
        _unknown()
    content = _inflated(rest, most) if compressed == b"\1" else _within(rest, most)
    return content.decode("utf-8", "replace")


def _unknown() -> str:
    raise damaged("PNG")


def _within(content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise PictureError(
            f"The text in this picture has more than {most:,} bytes; those are no generation parameters."
        )
    return content


def _inflated(content: bytes, most: int) -> bytes:
    """Inflated no further than is allowed: a few bytes can become gigabytes."""
    inflater = zlib.decompressobj()
    try:
        return _within(inflater.decompress(content, most + 1), most)
    except zlib.error as error:
        raise damaged("PNG") from error
