"""Files and the clipboard on the prompt page: pictures, presets, styles, posts."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")
from playwright.sync_api import Page, expect

from tests.browser.prompt_actions import NEGATIVE, SAID, add_tags, button, open_prompt, prompt_is, show_prompt, write
from tests.browser.site import Opener, Site
from tests.prompt.booru import make_database

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).parents[1] / "prompt" / "data" / "pictures"
POST = {"id": 1, "rating": "g", "created_at": "2022-01-01", "tag_string_general": "smile 1girl"}
DROP = """([name, type, text, target]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, {type: type}));
    const element = document.querySelector(target);
    for (const event of ['dragover', 'drop']) {
        element.dispatchEvent(new DragEvent(event, {dataTransfer: data, bubbles: true, cancelable: true}));
    }
}"""


@pytest.fixture
def page(opener: Opener, site: Site) -> Page:
    add_tags(site)
    page = open_prompt(opener)
    # Whatever gets past our page would be taken for a recipe by the tab, or by the webui for its own.
    page.evaluate("window.passed = 0; document.addEventListener('drop', () => window.passed++)")
    return page


def drop(page: Page, name: str, content: bytes, kind: str = "", target: str = "#kohaku_prompt_pickers") -> None:
    page.evaluate(DROP, [name, kind, base64.b64encode(content).decode(), target])


def value(page: Page, name: str) -> str:
    return page.locator(f"#kohaku_prompt_{name}").input_value()


@pytest.mark.parametrize(("name", "kind"), [("piexif.jpg", "image/jpeg"), ("piexif.webp", "image/webp")])
def test_a_dropped_picture_gives_its_parameters_and_undo_takes_them_back(page: Page, name: str, kind: str) -> None:
    write(page, "solo")
    drop(page, name, (PICTURES / name).read_bytes(), kind)
    prompt_is(page, "1girl, \u521d\u97f3\u30df\u30af")
    expect(page.locator(NEGATIVE)).to_have_value("text")
    names = ("width", "height", "cfg", "steps", "sampler", "clip_skip", "hires")
    assert [value(page, name) for name in names] == ["8", "8", "6", "20", "Euler a", "1", "off"]
    assert value(page, "infotext").startswith("1girl")
    expect(page.locator(SAID)).to_contain_text("Taken over.")
    page.click("#kohaku_prompt_undo")
    prompt_is(page, "solo")
    assert page.evaluate("window.passed") == 0


def test_a_picture_can_be_chosen_too(page: Page) -> None:
    page.click("#kohaku_prompt_infotext_section > summary")
    with page.expect_file_chooser() as chooser:
        button(page, "Choose a picture")
    chooser.value.set_files(PICTURES / "piexif.jpg")
    expect(page.locator(NEGATIVE)).to_have_value("text")


def test_what_cannot_be_used_is_told(page: Page) -> None:
    for name, content, kind, message in (
        ("x.png", b"\x89PNG\r\n\x1a\n", "image/png", "damaged"),
        ("x.gif", b"GIF89a", "image/gif", "This page reads pictures"),
        ("x.safetensors", b"\0" * 9, "", "This page reads pictures"),
        ("x.txt", b"hello", "text/plain", "no export of presets"),
    ):
        drop(page, name, content, kind)
        expect(page.locator(f"{SAID}, #kohaku_prompt_preset_said").filter(has_text=message)).to_be_visible()
    prompt_is(page, "")
    assert page.evaluate("window.passed") == 0


def test_presets_styles_parameters_and_posts_are_dropped_on_the_page(page: Page) -> None:
    preset = {"format": 1, "name": "dropped", "parts": {"general": ["solo"]}}
    drop(page, "a.json", json.dumps(preset).encode(), "application/json")
    expect(page.locator(".kohaku-prompt-name", has_text="dropped")).to_be_visible()
    drop(page, "styles.csv", b'\xef\xbb\xbfname,prompt,negative_prompt\r\nframe,"best, {prompt}",bad\r\n', "text/csv")
    expect(page.locator(".kohaku-prompt-name", has_text="frame")).to_be_visible()
    drop(page, "post.json", json.dumps(POST).encode(), "application/json", "#kohaku_prompt_text")
    button(page, "Use as prompt")
    prompt_is(page, "1girl, smile, newest, safe")
    page.locator(".kohaku-prompt-use", has_text="frame").click()
    prompt_is(page, "best, 1girl, smile, newest, safe")
    drop(
        page,
        "p.txt",
        b"solo\nNegative prompt: text\nSteps: 20, Sampler: Euler, CFG scale: 6, Size: 64x64",
        "text/plain",
    )
    prompt_is(page, "solo")


def test_text_that_is_dragged_into_a_box_is_the_browsers_business(page: Page) -> None:
    assert page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.setData('text/plain', 'solo');
            const event = new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
            return document.querySelector('#kohaku_prompt_text').dispatchEvent(event);
        }"""
    )


def test_a_preset_gets_a_picture_from_a_file_and_keeps_it_when_it_is_put_back(page: Page, site: Site) -> None:
    write(page, "1girl")
    page.click("#kohaku_prompt_preset_tools > summary")
    page.fill("#kohaku_prompt_preset_name", "mine")
    button(page, "Save this prompt")
    card = page.locator(".kohaku-prompt-card", has_text="mine")
    card.hover()
    expect(card.get_by_role("button", name="Use the last image")).to_have_count(0)  # there is no gallery here
    with page.expect_file_chooser() as chooser:
        button(page, "Picture", ".kohaku-prompt-card:hover")
    chooser.value.set_files(PICTURES / "piexif.jpg")
    shown = "() => [...document.querySelectorAll('.kohaku-prompt-picture')].filter((i) => i.naturalWidth === 8).length"
    page.wait_for_function(f"({shown})() === 1")
    stored = site.host.data_folder() / "presets" / "mine.jpg"
    assert stored.read_bytes().startswith(b"\xff\xd8\xff")
    assert b"UNICODE" not in stored.read_bytes()
    card.hover()
    button(page, "Delete", ".kohaku-prompt-card:hover")
    expect(card).to_have_count(0)
    assert not stored.exists()
    button(page, "Put it back")
    page.wait_for_function(f"({shown})() === 1")
    page.reload()
    show_prompt(page)
    page.wait_for_function(f"({shown})() === 1")
    card.hover()
    button(page, "No picture", ".kohaku-prompt-card:hover")
    expect(page.locator(".kohaku-prompt-picture")).to_have_count(0)


def test_a_file_that_is_no_picture_is_no_picture_of_a_preset(page: Page, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("<svg onload=alert(1)>")
    write(page, "1girl")
    page.click("#kohaku_prompt_preset_tools > summary")
    page.fill("#kohaku_prompt_preset_name", "mine")
    button(page, "Save this prompt")
    page.locator(".kohaku-prompt-card", has_text="mine").hover()
    with page.expect_file_chooser() as chooser:
        button(page, "Picture", ".kohaku-prompt-card:hover")
    chooser.value.set_files(tmp_path / "x.png")
    expect(page.locator(SAID)).to_contain_text("cannot read this picture")


def test_presets_go_out_as_a_styles_file(page: Page, tmp_path: Path) -> None:
    write(page, "1girl, masterpiece")
    page.click("#kohaku_prompt_preset_tools > summary")
    page.fill("#kohaku_prompt_preset_name", "mine")
    button(page, "Save this prompt")
    expect(page.locator(".kohaku-prompt-name", has_text="mine")).to_be_visible()
    with page.expect_download() as download:
        button(page, "Export as styles.csv")
    assert download.value.suggested_filename == "styles.csv"
    download.value.save_as(tmp_path / "styles.csv")
    text = (tmp_path / "styles.csv").read_bytes()
    assert text == b'\xef\xbb\xbfname,prompt,negative_prompt\r\nmine,"1girl, masterpiece",\r\n'


def test_a_post_and_parameters_come_from_the_clipboard(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("(text) => navigator.clipboard.writeText(text)", json.dumps(POST))
    page.click("#kohaku_prompt_captions_section > summary")
    button(page, "Paste and make a prompt")
    button(page, "Use as prompt")
    prompt_is(page, "1girl, smile, newest, safe")
    page.evaluate("() => navigator.clipboard.writeText('solo\\nSteps: 20, Sampler: Euler, CFG scale: 6')")
    page.click("#kohaku_prompt_infotext_section > summary")
    button(page, "Paste and take over")
    prompt_is(page, "solo")
    assert value(page, "steps") == "20"


def test_a_browser_that_keeps_its_clipboard_to_itself(page: Page) -> None:
    page.evaluate("() => { navigator.clipboard.readText = () => Promise.reject(new Error('no')); }")
    page.click("#kohaku_prompt_captions_section > summary")
    button(page, "Paste and make a prompt")
    expect(page.locator(SAID)).to_contain_text("press Ctrl+V")
    expect(page.locator("#kohaku_prompt_post")).to_be_focused()


def test_posts_by_id_where_there_is_a_database(opener: Opener, site: Site) -> None:
    add_tags(site)
    page = open_prompt(opener)
    page.click("#kohaku_prompt_captions_section > summary")
    expect(page.locator("#kohaku_prompt_post_ids")).to_be_hidden()
    make_database(site.host.data_folder() / "tags" / "booru.db")
    page.reload()
    show_prompt(page)
    page.fill("#kohaku_prompt_post_ids", "6000000, 5")
    page.press("#kohaku_prompt_post_ids", "Enter")
    expect(page.locator("#kohaku_prompt_captions")).to_contain_text("Not in the database: 5")
    button(page, "Use as prompt")
    expect(page.locator("#kohaku_prompt_text")).to_have_value(
        "1girl, saber \\(fate\\), fate \\(series\\), wada arco, long hair, ^_^, highres, newest, safe, masterpiece"
    )
