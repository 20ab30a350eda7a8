"""Sending from the prompt page into real fields of a txt2img of the test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")
from playwright.sync_api import Page, expect

from lib_kohaku.host.base import HostInfo
from lib_kohaku.host.sending import SendTarget
from tests.browser.prompt_actions import SAID, add_tags, button, show_prompt, write
from tests.browser.site import WIDE, SlowHost, serving
from tests.support.sending import START, PageForm

pytestmark = pytest.mark.browser
# The webui's tabs, in an order of the user's own.
WEBUI = """document.addEventListener('DOMContentLoaded', () => {
    const fields = document.createElement('div');
    const tabs = '<button>img2img</button><button id="there">txt2img</button>';
    fields.innerHTML = `<div id="tabs"><div class="tab-nav">${tabs}</div></div>`;
    document.body.append(fields);
    window.recalculate_prompts_txt2img = () => { window.recounted = true; };
    document.getElementById('there').addEventListener('click', () => { window.shown = 'txt2img'; });
});"""


def fields_of_txt2img(page: Page) -> dict[str, str]:
    read = "(id) => document.querySelector(`#txt2img_${id} :is(textarea, input)`).value"
    return {name: page.evaluate(read, name) for name in (*START, "sampling")}


@pytest.fixture
def sender(chromium, sdxl, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """The page with a txt2img and no img2img."""
    monkeypatch.setattr(SlowHost, "info", property(lambda self: HostInfo("a webui", can_generate=True)))

    def form(self, target):
        return PageForm(target) if target is SendTarget.TXT2IMG else None

    monkeypatch.setattr(SlowHost, "send_form", form, raising=False)
    models = tmp_path / "models"
    shutil.copytree(sdxl.folder, models)
    with serving(models, tmp_path) as running:
        add_tags(running)
        context = chromium.new_context(viewport=WIDE)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.add_init_script(WEBUI)
        page.goto(running.address)
        page.wait_for_selector(".kohaku-card")
        show_prompt(page)
        yield page
        context.close()


def test_sending_sets_what_is_given_and_nothing_else(sender: Page) -> None:
    page = sender
    expect(page.locator("#kohaku_prompt_send_img2img")).to_be_hidden()
    write(page, "1girl, solo")
    page.fill("#kohaku_prompt_sampler", "Euler a")
    button(page, "Send to txt2img")
    page.wait_for_function("window.shown === 'txt2img'")
    assert fields_of_txt2img(page) == {
        "prompt": "1girl, solo",
        "neg_prompt": "",
        "width": "896",
        "height": "1152",
        "cfg_scale": "5.5",
        "steps": "33",  # the profile says nothing of steps
        "seed": "4",
        "sampling": "Euler a",
    }
    assert page.evaluate("window.recounted") is True
    expect(page.locator(SAID)).to_have_text("The seed is 4.")


def test_only_the_settings_can_be_sent(sender: Page) -> None:
    page = sender
    write(page, "1girl, solo")
    page.fill("#kohaku_prompt_steps", "20")
    button(page, "Set only these in txt2img")
    page.wait_for_function("window.shown === 'txt2img'")
    found = fields_of_txt2img(page)
    assert (found["prompt"], found["neg_prompt"], found["width"], found["steps"]) == ("old", "old", "896", "20")


def test_what_could_not_be_set_is_told_before_the_page_changes(sender: Page) -> None:
    page = sender
    write(page, "1girl")
    page.fill("#kohaku_prompt_sampler", "Ghost")
    button(page, "Send to txt2img")
    expect(page.locator(SAID)).to_contain_text("There is no sampler 'Ghost' here")
    assert page.evaluate("window.shown") is None
    assert (fields_of_txt2img(page)["prompt"], fields_of_txt2img(page)["sampling"]) == ("1girl", "DPM++ 2M")
    button(page, "Go to txt2img")
    assert page.evaluate("window.shown") == "txt2img"
