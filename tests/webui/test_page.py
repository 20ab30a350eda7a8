"""The merge page in the real webui, in a browser: one person from recipe to image, and two at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.actions import JOB, PLAN, choose, expect_state, formula_is, type_formula, use_recipe
from tests.webui.minis import write_vae
from tests.webui.server import Webui
from tests.webui.test_files import LARGE, folder_of, large  # noqa: F401 - a fixture

CHOSEN = "#setting_sd_model_checkpoint input"
NOTE = ".block#kohaku_job_note"
FORMULA = "mini_a + 0.25*(mini_c - mini_b)"
# gradio asks a CDN for a script that it does without.
FOREIGN = re.compile(r"net::ERR_(NAME_NOT_RESOLVED|INTERNET_DISCONNECTED|CONNECTION_\w+|FAILED|ABORTED)")

Opener = Callable[[], Page]


@pytest.fixture(scope="module")
def opener(webui: Webui, chromium: Browser) -> Iterator[Opener]:
    """Opens the Kohaku tab as another person each time; afterwards no page may have complained."""
    errors: list[str] = []
    people: list[BrowserContext] = []

    def open_tab() -> Page:
        people.append(chromium.new_context(viewport={"width": 1280, "height": 900}))
        page = people[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"http://127.0.0.1:{webui.port}/?__theme=light")
        page.wait_for_selector("#txt2img_prompt textarea")
        page.click('#tabs > .tab-nav button:has-text("Kohaku")')
        page.wait_for_selector(".kohaku-card")
        return page

    yield open_tab
    for person in people:
        person.close()
    assert [text for text in errors if not FOREIGN.search(text)] == []


@pytest.fixture
def recipe(webui: Webui) -> Iterator[str]:
    name = "page-recipe"
    models = {"style": {"names": ["mini_c"]}, "older": {"names": ["nowhere", "mini_b"]}}
    document = {"kohaku_recipe": 1, "formula": "mini_a + 0.25*(style - older)", "models": models}
    webui.kohaku("PUT", f"/recipes/{name}", {"recipe": document, "overwrite": True})
    yield name
    webui.kohaku("DELETE", f"/recipes/{name}", {})
    for file in folder_of(webui).glob(f"{name}*"):
        file.unlink()


def merged(page: Page, name: str) -> None:
    """Wait until a merge is done; the job before may have been one too."""
    expect(page.locator(JOB)).to_contain_text(f"Wrote {name}.safetensors", timeout=60_000)
    expect_state(page, "done")


def is_listed(page: Page, name: str) -> bool:
    """Whether the list at the top of the webui's page offers a checkpoint."""
    page.click(CHOSEN)
    page.wait_for_selector("#setting_sd_model_checkpoint li")
    count = page.locator("#setting_sd_model_checkpoint li", has_text=name).count()
    page.keyboard.press("Escape")
    page.click(".kohaku-title >> nth=0")
    return count == 1


def settled(webui: Webui, page: Page, title: str) -> None:
    """The list at the top of the webui's page shows a checkpoint, and it is the one that is loaded."""
    expect(page.locator(CHOSEN)).to_have_value(re.compile(title))
    assert webui.kohaku("GET", "/loaded")["name"].startswith(title)


def merge_and_load(webui: Webui, page: Page, recipe: str) -> None:
    use_recipe(page, recipe)
    page.click("#kohaku_merge")
    merged(page, recipe)
    page.click(f'{JOB} [data-kohaku-action="load"]')
    expect_state(page, "done", "choose")
    settled(webui, page, recipe)


def test_three_clicks_from_recipe_to_a_loaded_checkpoint(webui: Webui, opener: Opener, recipe: str) -> None:
    page = opener()
    before = page.locator(CHOSEN).input_value()
    use_recipe(page, recipe)
    assert not is_listed(page, recipe)
    page.click("#kohaku_merge")
    merged(page, recipe)
    page.wait_for_timeout(1000)
    assert is_listed(page, recipe)
    page.click(f'{JOB} [data-kohaku-action="load"]')
    expect_state(page, "done", "choose")
    settled(webui, page, recipe)
    page.wait_for_timeout(1500)  # nothing loads it a second time or brings the old one back
    settled(webui, page, recipe)
    expect(page.locator(".progressDiv")).to_have_count(0)
    saved = webui.image()

    page.click("#kohaku_load_unsaved")
    expect(page.locator("#kohaku_restore")).to_be_visible()
    assert webui.kohaku("GET", "/loaded")["unsaved"] is True
    assert webui.image() == saved
    page.click("#kohaku_restore")
    expect_state(page, "done", "restore")
    settled(webui, page, recipe)

    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": before})
    assert webui.image() != saved


def test_a_merge_over_the_loaded_checkpoint(webui: Webui, opener: Opener, recipe: str) -> None:
    """Until somebody loads the new file, images are those of the old one, and never of some other checkpoint."""
    other = "mini_a + 0.75*(mini_c - mini_b)"
    webui.job("/merge", {"formula": other, "name": f"{recipe}-other"})
    new = webui.image(override_settings={"sd_model_checkpoint": f"{recipe}-other"})
    page = opener()
    merge_and_load(webui, page, recipe)
    old = webui.image()
    type_formula(page, other)
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    page.fill("#kohaku_name input", recipe)
    page.click("#kohaku_overwrite input")
    page.click("#kohaku_merge")
    merged(page, recipe)
    assert webui.image() == old
    page.click(f'{JOB} [data-kohaku-action="load"]')
    expect_state(page, "done", "choose")
    settled(webui, page, recipe)
    assert webui.image() == new != old
    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": "mini_a"})


def test_a_vae_is_baked_in(webui: Webui, opener: Opener, recipe: str) -> None:
    """As the webui's own merger does it: the image is that of the merge with that VAE chosen in the settings."""
    vae = webui.data / "models" / "VAE" / "page-vae.safetensors"
    write_vae(vae, folder_of(webui) / "mini_b.safetensors")
    page = opener()
    use_recipe(page, recipe)
    page.click("#kohaku_merge")
    merged(page, recipe)
    page.click("#kohaku_refresh")
    page.click("#kohaku_more_options > .label-wrap")
    choose(page, "vae", f"From: {vae.name}")
    expect(page.locator(PLAN)).to_contain_text(vae.name)
    page.fill("#kohaku_name input", f"{recipe}-baked")
    page.click("#kohaku_merge")
    merged(page, f"{recipe}-baked")
    ordinary, baked = ({"sd_model_checkpoint": name} for name in (recipe, f"{recipe}-baked"))
    before, image = webui.image(override_settings=ordinary), webui.image(override_settings=baked)
    assert image != before
    webui.call("POST", "/sdapi/v1/options", {"sd_vae": vae.name})
    assert webui.image(override_settings=ordinary) == image
    webui.call("POST", "/sdapi/v1/options", {"sd_vae": "Automatic"})
    assert webui.image(override_settings=ordinary) == before
    vae.unlink()


def test_the_webuis_own_bar_shows_bytes_and_time(opener: Opener, large: Path) -> None:  # noqa: F811
    page = opener()
    type_formula(page, LARGE)
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    page.click("#kohaku_merge")
    bar = page.locator("#kohaku_outcome .progressDiv")
    expect(bar).to_contain_text(re.compile(r"Merging: \d.* of 6 GB \d+% ETA: \d"), timeout=30_000)
    expect(page.locator(f"{JOB} .kohaku-track")).to_be_hidden()  # one bar is enough
    page.click("#kohaku_stop")
    expect_state(page, "cancelled")
    expect(bar).to_have_count(0)


def test_two_people_at_once(webui: Webui, opener: Opener, large: Path) -> None:  # noqa: F811
    one, two = opener(), opener()
    type_formula(two, FORMULA)
    type_formula(one, LARGE)
    expect(one.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    one.fill("#kohaku_name input", "of-one")
    expect(two.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    one.click("#kohaku_merge")
    expect(one.locator("#kohaku_stop")).to_be_visible()
    two.click("#kohaku_merge")
    expect(two.locator(NOTE)).to_contain_text("Merging of-one is still running. Stop it or wait for it.")
    # Each keeps what they typed, and both see what runs.
    formula_is(two, FORMULA)
    formula_is(one, LARGE)
    expect(two.locator(f"{JOB} .kohaku-job-title")).to_have_text("Merging of-one")
    assert not list(folder_of(webui).glob("mini_a+mini_c*"))
    two.click("#kohaku_stop")
    for page in (one, two):
        expect_state(page, "cancelled")
    assert not list(folder_of(webui).glob("of-one*"))
    two.click("#kohaku_merge")
    merged(two, "mini_a+mini_c+mini_b")
    assert [path.name for path in folder_of(webui).glob("mini_a+mini_c*")] == ["mini_a+mini_c+mini_b.safetensors"]


def test_a_stranger_s_open_page_does_not_bring_an_earlier_choice_back(
    webui: Webui, opener: Opener, recipe: str
) -> None:
    idle, busy = opener(), opener()
    idle.click('#tabs > .tab-nav button:has-text("txt2img")')
    merge_and_load(webui, busy, recipe)
    busy.wait_for_timeout(1000)  # the webui's list tells the webui of its new value once more
    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": "mini_b"})
    webui.image()
    idle.click('#tabs > .tab-nav button:has-text("Kohaku")')
    expect(idle.locator(f"{JOB} .kohaku-job")).to_have_attribute("data-kohaku-kind", "choose")
    idle.wait_for_timeout(2000)
    assert webui.kohaku("GET", "/loaded")["name"].startswith("mini_b")
    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": "mini_a"})


def test_what_was_set_is_kept_by_the_webui(webui: Webui, opener: Opener) -> None:
    """Nothing dynamic of ours is frozen into ui-config.json, where it would outlast an update."""
    config = json.loads((webui.data / "ui-config.json").read_text("utf-8"))
    ours = [key for key in config if key.startswith("kohaku/")]
    assert [key for key in ours if "Weight" in key or "/BASE/" in key or "Model" in key or "Formula" in key] == []
    page = opener()
    type_formula(page, FORMULA)
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    page.fill("#kohaku_name input", "kept")
    expect(page.locator(".block#kohaku_output_note")).to_contain_text("kept.safetensors")
    page.reload()
    page.wait_for_selector("#txt2img_prompt textarea")
    page.click('#tabs > .tab-nav button:has-text("Kohaku")')
    formula_is(page, FORMULA)
    expect(page.locator("#kohaku_name input")).to_have_value("kept")
