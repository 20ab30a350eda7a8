"""What a person does on the prompt page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.site import Opener, Site
from tests.support.prompting import TAG_LIST

TEXT = "#kohaku_prompt_text"
NEGATIVE = "#kohaku_prompt_negative"
POPUP = "#kohaku_prompt_popup"
FINDINGS = "#kohaku_prompt_findings"
SAID = "#kohaku_prompt_said"


def add_tags(site: Site) -> None:
    """Put a tag list into the user's folder."""
    folder = site.host.data_folder() / "tags"
    folder.mkdir(parents=True)
    (folder / "tags.csv").write_text(TAG_LIST)


def open_prompt(opener: Opener, query: str = "", size: dict[str, int] | None = None) -> Page:
    """Open the page and wait until the tags are there."""
    page = opener(query, size)
    show_prompt(page)
    return page


def show_prompt(page: Page) -> None:
    """Go to the prompt page."""
    page.click('#kohaku_pages > .tab-nav button:has-text("Prompt")')
    page.wait_for_selector("#kohaku_prompt_presets .kohaku-prompt-card")
    expect(page.locator("#kohaku_prompt_tags")).to_contain_text("tags", timeout=20_000)


def complete(page: Page, typed: str, tag: str) -> None:
    """Type the beginning of a tag and take the first answer."""
    page.locator(TEXT).press_sequentially(typed, delay=15)
    expect(page.locator(f"{POPUP} [role=option] >> nth=0")).to_contain_text(tag)
    page.keyboard.press("Tab")
    expect(page.locator(POPUP)).to_be_hidden()


def write(page: Page, text: str, box: str = TEXT) -> None:
    """Replace what is in a box by typing."""
    page.click(box)
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def prompt_is(page: Page, text: str) -> None:
    """Wait until the prompt box holds a text."""
    expect(page.locator(TEXT)).to_have_value(text)


def button(page: Page, text: str, inside: str = "#kohaku_prompt") -> None:
    """Press the first button with exactly that text."""
    page.locator(inside).get_by_role("button", name=text, exact=True).first.click()
