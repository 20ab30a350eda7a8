"""The webui's page in a browser, and what stands in the fields of its txt2img."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

from tests.webui.server import Webui

# Every field of a page of the webui by its element, with what it holds.
_FIELDS = """(tab) => {
    const found = {};
    for (const field of document.querySelectorAll(`#tab_${tab} :is(input, textarea)`)) {
        const holder = field.parentElement.closest('[id]');
        if (!holder || field.type === 'file') continue;
        const place = [...holder.querySelectorAll('input, textarea')].indexOf(field);
        found[`${holder.id} ${place}`] = ['checkbox', 'radio'].includes(field.type) ? field.checked : field.value;
    }
    for (const list of document.querySelectorAll(`#tab_${tab} [id$=_override_settings]`)) {
        found[list.id] = [...list.querySelectorAll('.token')].map((token) => token.textContent.trim());
    }
    return found;
}"""


@contextmanager
def opened(webui: Webui, browser: Browser) -> Iterator[Page]:
    """A page that shows txt2img."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    load(page, webui)
    yield page
    context.close()


def load(page: Page, webui: Webui) -> None:
    """Load the webui's page anew."""
    page.goto(f"http://127.0.0.1:{webui.port}/?__theme=dark")
    page.wait_for_selector("#txt2img_prompt textarea")
    page.wait_for_function("() => Object.keys(window.opts || {}).length > 0")


def fresh(page: Page, webui: Webui) -> Page:
    """Load the webui's page anew, without the draft that ours writes when it is left."""
    page.goto(f"http://127.0.0.1:{webui.port}/robots.txt")  # a page of the same origin that writes nothing
    page.evaluate("localStorage.clear()")
    load(page, webui)
    return page


def generate(page: Page, steps: int) -> str:
    """Press Generate, wait for the image, and give its infotext."""
    page.click("#txt2img_generate")
    infotext = page.locator("#html_info_txt2img").first
    expect(infotext).to_contain_text(f"Steps: {steps},", timeout=240_000)
    page.wait_for_selector("#txt2img_gallery img")
    return infotext.inner_text()


def show_prompt_page(page: Page) -> None:
    """Go to the prompt page of the Kohaku tab."""
    page.click('#tabs > .tab-nav button:has-text("Kohaku")')
    page.click('#kohaku_pages > .tab-nav button:has-text("Prompt")')
    page.wait_for_selector("#kohaku_prompt_presets .kohaku-prompt-card")


def fields(page: Page, tab: str) -> dict[str, object]:
    """What all fields of a page of the webui hold."""
    return page.evaluate(_FIELDS, tab)


def changed(before: dict[str, object], after: dict[str, object]) -> dict[str, object]:
    """The fields that hold something else now."""
    assert set(before) - set(after) == set()
    return {name: value for name, value in after.items() if before.get(name, []) != value}
