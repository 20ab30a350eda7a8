"""The prompt page in a real webui: what is sent arrives, and the webui counts and reads it as we do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Browser, Page, expect

from tests.webui.server import Webui


@pytest.fixture(scope="module")
def page(webui: Webui, chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(f"http://127.0.0.1:{webui.port}/?__theme=dark")
    page.wait_for_selector("#txt2img_prompt textarea")
    page.click('#tabs > .tab-nav button:has-text("Kohaku")')
    page.click('#kohaku_pages > .tab-nav button:has-text("Prompt")')
    page.wait_for_selector("#kohaku_prompt_presets .kohaku-prompt-card")
    yield page
    page.close()


def ask(webui: Webui, method: str, **parameters: object) -> dict[str, object]:
    text = json.dumps({"method": method, "profile": "kohaku-xl-gamma", **parameters})
    status, answer = webui.call("POST", "/run/kohaku_prompt", {"data": [text]})
    assert status == 200
    return json.loads(answer["data"][0])


def value(page: Page, name: str) -> str:
    return page.locator(f"#txt2img_{name} :is(textarea, input[type=number])").first.input_value()


def test_what_is_sent_arrives_and_the_rest_stays(page: Page) -> None:
    seed, sampler = value(page, "seed"), page.locator("#txt2img_sampling input").first.input_value()
    page.fill("#kohaku_prompt_text", "")
    page.click("#kohaku_prompt_text")
    page.keyboard.type("blue hair, saber \\(fate\\), 1girl")
    page.keyboard.press("Escape")
    page.click("#kohaku_prompt_format")
    page.click("#kohaku_prompt_apply")
    page.get_by_role("button", name="Use the usual negative").click()
    page.click("#kohaku_prompt_send_txt2img")
    expect(page.locator("#tab_txt2img")).to_be_visible()
    assert value(page, "prompt").startswith("1girl, ")
    assert value(page, "prompt").endswith("newest, safe, masterpiece")
    assert value(page, "neg_prompt").startswith("low quality")
    assert [value(page, name) for name in ("width", "height", "cfg_scale")] == ["896", "1152", "5.5"]
    assert (value(page, "seed"), page.locator("#txt2img_sampling input").first.input_value()) == (seed, sampler)
    # Python has heard of it too: the webui's own counter counts the new prompt.
    expect(page.locator("#txt2img_token_counter").first).not_to_contain_text("0/75")


@pytest.mark.parametrize(
    "prompt",
    [
        "1girl, solo, saber \\(fate\\), (long hair:1.2), masterpiece",
        "1girl, solo BREAK blue hair, :\\3",
        ", ".join(f"tag number {number}" for number in range(40)),
        "1girl AND solo, long hair",
        "",
    ],
)
def test_the_webui_counts_as_we_do(webui: Webui, prompt: str) -> None:
    webui.image()  # loads the model, whose tokenizer both use
    parts = ask(webui, "check", prompt=prompt, negative="")["prompt"]["parts"]
    assert all(part["exact"] for part in parts)
    ours = max(parts, key=lambda part: part["tokens"])
    page = webui.call("GET", "/config")[1]
    counter = next(
        index
        for index, event in enumerate(page["dependencies"])
        if any(
            component["id"] in event["outputs"] and component["props"].get("elem_id") == "txt2img_token_counter"
            for component in page["components"]
        )
    )
    inputs = [prompt, 20, []][: len(page["dependencies"][counter]["inputs"])]
    status, answer = webui.call("POST", "/run/predict", {"fn_index": counter, "data": inputs, "session_hash": "x"})
    assert status == 200
    assert f">{ours['tokens']}/{ours['limit']}<" in answer["data"][0]


def test_the_loaded_checkpoint_is_told(webui: Webui) -> None:
    webui.image()
    assert ask(webui, "open")["model"].startswith("mini_")
    assert ask(webui, "open")["host"]["can_generate"] is True
