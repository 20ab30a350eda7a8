"""What a person does on the precision page."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

JOB = ".block#kohaku_precision_job"
NOTE = ".block#kohaku_precision_note"
PREDICTED = ".block#kohaku_precision_file_predicted"
ENTRIES = ".block#kohaku_precision_zip_entries"


def show_precision(page: Page) -> Page:
    """Go to the page."""
    page.click('#kohaku_pages > .tab-nav button:has-text("Precision (fp8)")')
    expect(page.locator("#kohaku_precision_tasks")).to_be_visible()
    return page


def task(page: Page, title: str) -> None:
    """Go to one of its tasks."""
    page.click(f'#kohaku_precision_tasks > .tab-nav button:has-text("{title}")')


def write(page: Page, name: str, text: str) -> None:
    """Fill in a line."""
    page.fill(f"#kohaku_precision_{name} textarea, #kohaku_precision_{name} input", text)


def options(page: Page, name: str) -> list[str]:
    """What a dropdown offers."""
    page.click(f"#kohaku_precision_{name} input")
    texts = page.locator(f"#kohaku_precision_{name} li").all_inner_texts()
    page.keyboard.press("Escape")
    return [text.replace("\u2713", "").strip() for text in texts]


def ended(page: Page, state: str = "done") -> None:
    """Wait until the task that was started shows as being in a state."""
    expect(page.locator(f"{JOB} .kohaku-job")).to_have_attribute("data-kohaku-state", state, timeout=60_000)


def column(page: Page, place: str, title: str) -> dict[str, str]:
    """A column of a memory table: component to its bytes, "All" too."""
    table = page.locator(f"{place} table.kohaku-memory")
    index = table.locator("th").all_inner_texts().index(title)
    cells = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
    return {row[0]: re.split(r"\n| \u2212", row[index])[0].strip() for row in cells}
