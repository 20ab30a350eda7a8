"""Pictures of presets: made small and anew, and files that mean harm."""

from __future__ import annotations

import base64
import importlib.util
import io
import struct
import zlib

import pytest

from lib_kohaku.app.prompt import pictures
from lib_kohaku.app.prompt.pictures import as_address, decoded, thumbnail_of
from lib_kohaku.errors import RefusedError

Image = pytest.importorskip("PIL.Image")
PngInfo = pytest.importorskip("PIL.PngImagePlugin").PngInfo


def picture(kind: str, size: tuple[int, int] = (900, 600), mode: str = "RGB", **more: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else 0).save(buffer, kind, **more)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_it_becomes_a_small_jpeg(kind):
    made = Image.open(io.BytesIO(thumbnail_of(picture(kind))))
    assert (made.format, made.size, made.mode) == ("JPEG", (256, 171), "RGB")
    red, green, blue = made.getpixel((128, 80))
    assert red > 240 and green < 15 and blue < 15


@pytest.mark.parametrize(("size", "made"), [((3, 2), (3, 2)), ((1, 4000), (1, 256)), ((256, 256), (256, 256))])
def test_sizes(size, made):
    assert Image.open(io.BytesIO(thumbnail_of(picture("PNG", size)))).size == made


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "I;16", "CMYK"])
def test_every_kind_of_colours(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert Image.open(io.BytesIO(thumbnail_of(picture(kind, (40, 40), mode)))).mode == "RGB"


def test_what_is_transparent_is_white():
    made = Image.open(io.BytesIO(thumbnail_of(picture("PNG", (40, 40), "RGBA"))))
    assert min(made.getpixel((20, 20))) > 250


def test_nothing_of_the_file_is_kept_but_what_it_shows():
    info = PngInfo()
    info.add_text("parameters", "secret prompt")
    made = thumbnail_of(picture("PNG", pnginfo=info))
    assert b"secret" not in made
    assert len(made) < 10_000


def bomb(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no PNG, JPEG or WebP"),
        (b"<svg onload=alert(1)>", "no PNG, JPEG or WebP"),
        (b"GIF89a", "no PNG, JPEG or WebP"),
        (picture("BMP", (4, 4)), "no PNG, JPEG or WebP"),
        (picture("PNG")[:400], "no PNG, JPEG or WebP"),
        (bomb(100, 100), "no PNG, JPEG or WebP"),
        (bomb(10_000, 10_000), "64 million pixels|no PNG"),
        (bomb(2**31 - 1, 2**31 - 1), "64 million pixels|no PNG"),
        (b"\0" * (8 * 2**20 + 1), "at most 8 MB"),
    ],
    ids=range(9),
)
def test_hostile_files_are_refused_in_plain_words(data, message):
    with pytest.raises(RefusedError, match=message):
        thumbnail_of(data)


def test_without_pillow_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    with pytest.raises(RefusedError, match="pip install Pillow"):
        thumbnail_of(picture("PNG"))


def test_importing_it_needs_no_pillow():
    source = importlib.util.find_spec("lib_kohaku.app.prompt.pictures").loader.get_source(pictures.__name__)
    assert "\nfrom PIL" not in source and "\nimport PIL" not in source


def test_files_travel_in_base_64():
    data = picture("PNG", (4, 4))
    plain = base64.b64encode(data).decode()
    assert decoded(plain, 1000) == decoded(f"data:image/png;base64,{plain}", 1000) == data
    for text in ("%%%", "YQ=", "\u00e9", "data:text/html,<b>", "YQ==\n"):
        with pytest.raises(RefusedError, match="cannot be understood"):
            decoded(text, 1000)
    with pytest.raises(RefusedError, match="more than"):
        decoded("A" * 2_000_000, 2**20)


def test_addresses_name_only_types_that_are_pictures():
    assert as_address(b"\xff\xd8\xffx").startswith("data:image/jpeg;base64,")
    assert as_address(b"<svg onload=alert(1)>") == ""
