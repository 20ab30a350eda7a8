"""A checkpoint out of a zip that nobody vouches for, in a browser."""

from __future__ import annotations

import zipfile

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Page, expect

from lib_kohaku.units import format_bytes
from tests.browser.actions import choose
from tests.browser.precision_actions import ENTRIES, JOB, NOTE, options, task, write
from tests.browser.site import Site

pytestmark = pytest.mark.browser


def pack(site: Site, name: str, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(site.models / name, "w", zipfile.ZIP_DEFLATED) as file:
        for path, data in entries.items():
            file.writestr(path, data)


def open_zip(page: Page, name: str) -> None:
    task(page, "Import from a zip")
    choose(page, "precision_zip", name)


def test_a_checkpoint_comes_out_of_a_zip(precision: Page, site: Site) -> None:
    page, model = precision, site.output("beta7").read_bytes()
    pack(site, "card.zip", {"readme.txt": b"hello", "../../evil/gamma <i>fp8.safetensors": model})
    open_zip(page, "card.zip")  # it was put there while the page was open
    expect(page.locator(ENTRIES)).to_contain_text("../../evil/gamma <i>fp8.safetensors")
    expect(page.locator(ENTRIES)).to_contain_text(format_bytes(len(model)))
    expect(page.locator("#kohaku_precision_zip_entry")).to_be_hidden()
    page.click("#kohaku_precision_import")
    # The name inside is no name for a file here; with one that is, the very bytes come out.
    expect(page.locator(f"{NOTE} .kohaku-error")).to_be_visible()
    write(page, "zip_output", "gamma")
    page.click("#kohaku_precision_import")
    expect(page.locator(f"{JOB} .kohaku-good")).to_contain_text("gamma.safetensors is taken out", timeout=60_000)
    assert site.output("gamma").read_bytes() == model
    assert not list(site.models.parent.rglob("*evil*"))
    task(page, "Convert a file")
    assert "gamma.safetensors" in options(page, "source")
    task(page, "Import from a zip")
    page.click("#kohaku_precision_import")
    expect(page.locator(f"{JOB} .kohaku-error")).to_contain_text("exists already")


def test_of_several_files_one_is_chosen(precision: Page, site: Site) -> None:
    page, model = precision, site.output("anxl3").read_bytes()
    pack(site, "two.zip", {"first.safetensors": b"nonsense", "folder/second.safetensors": model})
    open_zip(page, "two.zip")
    page.click("#kohaku_precision_import")
    expect(page.locator(f"{NOTE} .kohaku-error")).to_contain_text("two.zip holds 2 safetensors files: choose one")
    choose(page, "precision_zip_entry", "folder/second.safetensors")
    page.click("#kohaku_precision_import")
    expect(page.locator(f"{JOB} .kohaku-good")).to_contain_text("second.safetensors is taken out", timeout=60_000)
    assert site.output("second").read_bytes() == model


def encrypted(data: bytes) -> bytes:
    """A zip whose directory says that its first file is encrypted."""
    changed = bytearray(data)
    for place in (6, changed.rindex(b"PK\x01\x02") + 8):
        changed[place] |= 1
    return bytes(changed)


def bomb(data: bytes) -> bytes:
    """A zip whose directory says that its first file has 3 GB."""
    changed = bytearray(data)
    place = changed.rindex(b"PK\x01\x02")
    changed[place + 24 : place + 28] = (3 << 30).to_bytes(4, "little")
    return bytes(changed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[: len(data) // 2], "not a sound zip file"),
        (lambda data: b"PK\x03\x04 and nothing else", "not a sound zip file"),
        (encrypted, "is encrypted"),
        (bomb, "never pack that well"),
        (lambda data: data[:60] + bytes(80) + data[140:], "damaged"),
    ],
    ids=["truncated", "no zip", "encrypted", "bomb", "corrupted"],
)
def test_bad_zips_are_refused_in_words(precision: Page, site: Site, change, words: str) -> None:
    page, before = precision, sorted(path.name for path in site.models.iterdir())
    pack(site, "bad.zip", {"model.safetensors": site.output("beta7").read_bytes()})
    path = site.models / "bad.zip"
    path.write_bytes(change(path.read_bytes()))
    open_zip(page, "bad.zip")
    page.click("#kohaku_precision_import")
    said = page.locator(f"{NOTE} .kohaku-error, {JOB} .kohaku-error")
    expect(said.first).to_contain_text(words, timeout=30_000)
    expect(said.first).to_contain_text("bad.zip")
    assert sorted(path.name for path in site.models.iterdir()) == sorted([*before, "bad.zip"])


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"readme.txt": b"x"}, "no safetensors file in bad.zip"),
        ({"m.safetensors": b"<html>not found</html>" * 9}, "m.safetensors"),
    ],
    ids=["nothing in it", "no model"],
)
def test_zips_without_a_model(precision: Page, site: Site, entries: dict[str, bytes], words: str) -> None:
    before = sorted(path.name for path in site.models.iterdir())
    pack(site, "bad.zip", entries)
    open_zip(precision, "bad.zip")
    precision.click("#kohaku_precision_import")
    said = precision.locator(f"{NOTE} .kohaku-error, {JOB} .kohaku-error")
    expect(said.first).to_contain_text(words, timeout=30_000)
    expect(said.first).not_to_contain_text("Unexpected")
    assert sorted(path.name for path in site.models.iterdir()) == sorted([*before, "bad.zip"])
