"""Generation parameters in pictures: where each kind keeps them, and files that mean harm."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.picture_text import LARGEST_PICTURE, read_picture_text

PICTURES = Path(__file__).parents[1] / "data" / "pictures"
PARAMETERS = "Steps: 20, Sampler: Euler a, CFG scale: 6, Seed: 1, Size: 8x8"
TEXT = f"1girl, \u521d\u97f3\u30df\u30af\nNegative prompt: text\n{PARAMETERS}"
LATIN = "caf\u00e9, 1girl\nSteps: 20, Sampler: Euler a, Size: 8x8"


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    crc = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def png(*chunks: bytes, end: bool = True) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + (chunk(b"IEND", b"") if end else b"")


def international(text: bytes, compressed: bytes = b"\0", keyword: bytes = b"parameters") -> bytes:
    return chunk(b"iTXt", keyword + b"\0" + compressed + b"\0" + b"\0\0" + text)


def exif(comment: bytes, order: str = ">", kind: int = 7, head: bytes = b"") -> bytes:
    """A TIFF block with one folder that points to one with a user comment."""
    magic = b"MM\0*" if order == ">" else b"II*\0"
    root = struct.pack(order + "IHHHIII", 8, 1, 0x8769, 4, 1, 26, 0)
    folder = struct.pack(order + "HHHIII", 1, 0x9286, kind, len(comment), 44, 0)
    return head + magic + root + folder + comment


def jpeg(*blocks: bytes) -> bytes:
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block for block in blocks)
    return b"\xff\xd8" + segments + b"\xff\xda\x00\x02pixels\xff\xd9"


def webp(block: bytes, length: int | None = None) -> bytes:
    body = b"WEBPVP8 " + struct.pack("<I", 3) + b"abc\0" + b"EXIF" + struct.pack("<I", length or len(block)) + block
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("name", ["piexif.jpg", "piexif.webp"])
def test_what_the_webuis_own_library_wrote_is_read(name):
    assert read_picture_text((PICTURES / name).read_bytes()) == TEXT


def test_what_pillow_writes_into_a_png_is_read(tmp_path):
    image = pytest.importorskip("PIL.Image")
    plugin = pytest.importorskip("PIL.PngImagePlugin")
    for text in (TEXT, LATIN):
        for zipped in (False, True):
            info = plugin.PngInfo()
            info.add_text("Title", "something else")
            info.add_text("parameters", text, zip=zipped)
            image.new("RGB", (8, 8)).save(tmp_path / "x.png", pnginfo=info)
            assert read_picture_text((tmp_path / "x.png").read_bytes()) == text


@pytest.mark.parametrize(
    "data",
    [
        png(chunk(b"tEXt", b"parameters\0" + LATIN.encode("latin-1"))),
        png(chunk(b"zTXt", b"parameters\0\0" + zlib.compress(LATIN.encode("latin-1")))),
        png(international(LATIN.encode())),
        png(international(zlib.compress(LATIN.encode()), b"\1")),
        png(chunk(b"tEXt", b"Parameters\0no"), chunk(b"tEXt", b"parameters\0" + LATIN.encode("latin-1"))),
        png(chunk(b"eXIf", exif(b"UNICODE\0" + LATIN.encode("utf-16-be")))),
        png(end=False)[:-12] + chunk(b"IDAT", b"") * 3 + international(LATIN.encode()) + chunk(b"IEND", b""),
        jpeg(b"http://ns.adobe.com/xap/1.0/\0<x/>", exif(b"UNICODE\0" + LATIN.encode("utf-16-be"), head=b"Exif\0\0")),
        jpeg(exif(b"UNICODE\0" + LATIN.encode("utf-16-le"), "<", head=b"Exif\0\0")),
        jpeg(exif(b"UNICODE\0" + LATIN.encode("utf-16-be"), "<", head=b"Exif\0\0")),  # as the webui writes
        jpeg(exif(b"ASCII\0\0\0" + LATIN.encode(), "<", head=b"Exif\0\0")),
        jpeg(exif(b"\0" * 8 + LATIN.encode(), head=b"Exif\0\0")),
        jpeg(exif(LATIN.encode(), head=b"Exif\0\0")),
        webp(exif(b"UNICODE\0" + LATIN.encode("utf-16-be"))),
        webp(exif(b"UNICODE\0" + LATIN.encode("utf-16-be"), head=b"Exif\0\0")),
    ],
    ids=range(15),
)
def test_every_way_to_keep_it(data):
    assert read_picture_text(data) == LATIN


BOMB = zlib.compress(b"a" * 50_000_000)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Only PNG, JPEG and WebP"),
        (b"<svg onload=alert(1)>", "Only PNG, JPEG and WebP"),
        (b"GIF89a" + b"\0" * 40, "Only PNG, JPEG and WebP"),
        (b"\0" * (LARGEST_PICTURE + 1), "more than 32 MB"),
        (png(), "no generation parameters"),
        (png(chunk(b"tEXt", b"parameters\0 \n")), "no generation parameters"),
        (png(chunk(b"tEXt", b"prompt\0{}")), "no generation parameters"),
        (png(chunk(b"zTXt", b"parameters\0\0" + BOMB)), "more than 400,000 bytes"),
        (png(international(BOMB, b"\1")), "more than 400,000 bytes"),
        (png(chunk(b"tEXt", b"parameters\0" + b"a" * 400_001)), "more than 400,000 bytes"),
        (png(chunk(b"zTXt", b"parameters\0\0not zlib")), "damaged"),
        (png(chunk(b"zTXt", b"parameters\0\7" + BOMB)), "damaged"),
        (png(international(b"x", b"\7")), "damaged"),
        (png(chunk(b"iTXt", b"parameters\0\0\0")), "damaged"),
        (png(chunk(b"tEXt", b"parameters\0x", 7)), "damaged"),
        (png()[:-1], "damaged"),
        (b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR", "damaged"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b"") * 100_001, "damaged"),
        (b"\xff\xd8\xff", "damaged"),
        (b"\xff\xd8\xff" + b"\xff" * 100_000, "damaged"),
        (b"\xff\xd8\xff\xe1\x00\x01", "damaged"),
        (b"\xff\xd8\xff\xe1\xff\xff", "damaged"),
        (jpeg(), "no generation parameters"),
        (jpeg(b"Exif\0\0" + b"XX*\0" + b"\0" * 20), "damaged"),
        (jpeg(exif(b"", head=b"Exif\0\0")), "damaged"),
        (jpeg(exif(b"x", kind=12, head=b"Exif\0\0")), "damaged"),
        (jpeg(exif(b"ASCII\0\0\0abc", head=b"Exif\0\0")[:-2]), "damaged"),
        (webp(exif(b"ASCII\0\0\0" + b"a" * 500_000)), "more than 400,000 bytes"),
        (webp(b"MM\0*", 2**31), "damaged"),
        (b"RIFF\xff\xff\xff\xffWEBP" + b"ABCD\0\0\0\0" * 10_001, "damaged"),
    ],
    ids=range(30),
)
def test_hostile_and_empty_files_are_refused_in_plain_words(data, message):
    with pytest.raises(RefusedError, match=message):
        read_picture_text(data)


def test_a_folder_that_points_at_itself_ends():
    block = b"MM\0*" + struct.pack(">IHHHIII", 8, 1, 0x8769, 4, 1, 8, 0)
    with pytest.raises(RefusedError, match="no generation parameters"):
        read_picture_text(jpeg(b"Exif\0\0" + block))


SOUND = [
    png(chunk(b"zTXt", b"parameters\0\0" + zlib.compress(LATIN.encode("latin-1")))),
    png(international(zlib.compress(LATIN.encode()), b"\1")),
    (PICTURES / "piexif.jpg").read_bytes(),
    (PICTURES / "piexif.webp").read_bytes(),
]


def outcome(data: bytes) -> str:
    try:
        return read_picture_text(data)
    except RefusedError as error:
        return str(error)


@pytest.mark.parametrize("data", SOUND, ids=range(4))
def test_a_file_that_is_cut_off_anywhere_is_told_or_read(data):
    for length in range(len(data)):
        assert outcome(data[:length])


@pytest.mark.parametrize("data", SOUND, ids=range(4))
def test_changed_bytes_never_make_it_stumble(data):
    chance = random.Random(7)
    for _ in range(3000):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(len(changed))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        assert outcome(bytes(changed))


@given(st.sampled_from([data[:40] for data in SOUND]), st.binary(max_size=200))
def test_no_bytes_make_it_stumble(head, rest):
    assert outcome(head + rest)
