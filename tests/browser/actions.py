"""What a person does on the page."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as BrowserTimeout

FORMULA = "#kohaku_formula textarea"
PLAN = ".block#kohaku_plan"
JOB = ".block#kohaku_job"


def type_formula(page: Page, text: str) -> None:
    """Replace the formula by typing."""
    page.click(FORMULA)
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def use_recipe(page: Page, name: str) -> None:
    """Click a recipe's card and wait for its plan."""
    page.click(f'[data-kohaku-action="recipe_use"][data-kohaku-value="{name}"]')
    page.wait_for_selector(f'{PLAN} [data-kohaku-recipe="{name}"]')


def open_source(page: Page, title: str) -> None:
    """Open one of the pages above the formula."""
    page.click(f'#kohaku_merge_sources button:has-text("{title}")')


def choose(page: Page, name: str, option: str) -> None:
    """Choose in a gradio dropdown. One that was opened before its choices came shows them when it is opened again."""
    wanted = page.locator(f'#kohaku_{name} li:has-text("{option}")').first
    page.click(f"#kohaku_{name} input")
    try:
        wanted.click(timeout=3_000)
    except BrowserTimeout:
        page.locator(f"#kohaku_{name} input").first.blur()
        page.click(f"#kohaku_{name} input")
        wanted.click()


def expect_state(page: Page, state: str, kind: str = "merge") -> None:
    """Wait until the job shows as being in a state."""
    expect(page.locator(f"{JOB} .kohaku-job")).to_have_attribute("data-kohaku-kind", kind, timeout=30_000)
    expect(page.locator(f"{JOB} .kohaku-job")).to_have_attribute("data-kohaku-state", state, timeout=60_000)


def formula_is(page: Page, text: str) -> None:
    """Wait until the formula box holds a text."""
    expect(page.locator(FORMULA)).to_have_value(text)


def leftovers(folder: Path) -> list[str]:
    """Files that are no inputs."""
    inputs = {f"{name}.safetensors" for name in ("beta7", "anxl2", "anxl3", "base7", "base8")}
    return sorted(path.name for path in folder.iterdir() if path.name not in inputs)
