"""The section in txt2img of the real webui: words at generation, infotext and paste, axes, presets, order."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.webui.server import Webui
from tests.webui.test_grid import axis_labels

GAMMA = "kohakuXLGamma_mini"
USUAL = "newest, safe, masterpiece"
NEGATIVE = "low quality, worst quality, normal quality, text, signature, jpeg artifacts, bad anatomy"
QUALITY, RATING, YEAR, PRESET, FORMAT = (
    f"[Kohaku] {name}" for name in ("Quality", "Rating", "Year", "Preset", "Prompt format")
)


@pytest.fixture(scope="module", autouse=True)
def gamma(webui: Webui) -> Iterator[None]:
    """A checkpoint that is told by its name to be Kohaku XL Gamma, and is loaded; two styles."""
    styles = "name,prompt,negative_prompt\nnight,night,\nfine,best quality,\n"
    (webui.data / "styles.csv").write_text(styles, encoding="utf-8")
    webui.press("refresh_txt2img_styles")
    folder = webui.data / "models" / "Stable-diffusion"
    path = folder / f"{GAMMA}.safetensors"
    shutil.copy(folder / "mini_b.safetensors", path)
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})
    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": path.name})
    yield
    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": "mini_a.safetensors"})
    path.unlink()
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})


def made(webui: Webui, *args: Any, **changes: Any) -> dict[str, Any]:
    """What the webui says of images that were made with values of the section."""
    script = {"alwayson_scripts": {"kohaku": {"args": list(args)}}} if args else {}
    return webui.images(**{"steps": 1, **script, **changes})[1]


def prompt_of(webui: Webui, *args: Any, **changes: Any) -> str:
    """The final prompt, as the infotext has it."""
    text: str = made(webui, *args, **changes)["infotexts"][0]
    return text.split("\nNegative prompt:")[0]


def test_off_it_does_nothing(webui: Webui):
    for args in ((), (False,), (None,), ([],), (False, "no such profile", 5)):
        text = made(webui, *args)["infotexts"][0]
        assert text.startswith("1girl, solo\nNegative prompt: bad\n")
        assert "Kohaku" not in text


def test_on_it_adds_the_words_of_the_loaded_model(webui: Webui):
    text = made(webui, True)["infotexts"][0]
    assert text.startswith(f"1girl, solo, {USUAL}\nNegative prompt: bad\n")
    assert (
        "Kohaku profile: kohaku-xl-gamma, Kohaku quality: masterpiece, Kohaku rating: safe, Kohaku year: newest" in text
    )


@pytest.mark.parametrize(
    ("args", "prompt", "result"),
    [
        ((True, None, "good quality"), "1girl", "1girl, newest, safe, good quality"),
        ((True, "pony-v6", "score_9", "Leave out"), "1girl", "score_9, 1girl"),
        ((True, "Animagine XL 3.1"), "1girl", "1girl, safe, masterpiece, best quality, very aesthetic"),
        ((True,), "1girl, nsfw, masterpiece", "1girl, newest, nsfw, masterpiece"),
        ((True,), "1girl, :3", f"1girl, :3, {USUAL}"),
        ((True,), "cat :1.2 AND dog :0.8", f"cat, {USUAL} :1.2 AND dog :0.8"),
        ((True,), "1girl BREAK solo", f"1girl BREAK solo, {USUAL}"),
        ((True,), "[cat:dog:0.5], <lora:no:1>", f"[cat:dog:0.5], {USUAL}, <lora:no:1>"),
    ],
)
def test_the_prompt_that_is_made(webui: Webui, args: tuple[Any, ...], prompt: str, result: str):
    assert prompt_of(webui, *args, prompt=prompt) == result


def test_the_image_is_that_of_the_same_prompt_typed(webui: Webui):
    typed = webui.image(prompt=f"1girl, solo, {USUAL}", negative_prompt=f"bad, {NEGATIVE}")
    script = {"kohaku": {"args": [True, "", "", "", "", True]}}
    assert webui.image(alwayson_scripts=script, negative_prompt="bad") == typed
    assert webui.image(negative_prompt="bad") != typed


def test_batches_styles_and_the_second_pass_get_them_too(webui: Webui):
    hires = {"enable_hr": True, "hr_upscaler": "Latent", "hr_scale": 1.5, "hr_second_pass_steps": 1}
    hires["denoising_strength"] = 0.7
    info = made(webui, True, n_iter=2, batch_size=2, hr_prompt="1girl, detailed face", **hires)
    assert info["all_prompts"] == [f"1girl, solo, {USUAL}"] * 4
    assert all(f'Hires prompt: "1girl, detailed face, {USUAL}"' in text for text in info["infotexts"])
    assert "Hires prompt" not in made(webui, True, **hires)["infotexts"][0]


def test_styles_are_in_the_prompt_before_the_words(webui: Webui):
    texts = [made(webui, True, styles=[style], prompt="1girl")["infotexts"][0] for style in ("night", "fine")]
    assert prompts(texts) == [f"1girl, night, {USUAL}", "1girl, newest, safe, best quality"]


def test_an_unknown_format_is_told_and_changes_nothing(webui: Webui):
    info = made(webui, True, "kohaku-xl-omega")
    assert info["infotexts"][0].startswith("1girl, solo\n")
    assert "There is no profile 'kohaku-xl-omega'" in webui.log


# -- infotext -----------------------------------------------------------------------------------------------------


def test_an_infotext_given_to_the_api_makes_the_same_image(webui: Webui):
    script = {"kohaku": {"args": [True, "kohaku-xl-delta", "best quality", "explicit, nsfw", "Leave out", True]}}
    info = webui.images(alwayson_scripts=script, steps=2)[1]
    text = info["infotexts"][0]
    assert 'Kohaku rating: "explicit, nsfw"' in text and "Kohaku year" not in text
    body = {"infotext": text, "sampler_name": "Euler", "scheduler": "Automatic"}
    status, answer = webui.call("POST", "/sdapi/v1/txt2img", body)
    assert status == 200
    again = json.loads(answer["info"])["infotexts"][0]
    assert again.split("\nSteps")[0] == text.split("\nSteps")[0]
    keys = re.compile(r"Kohaku \w+: (?:\"[^\"]*\"|[^,]*)")
    assert keys.findall(again) == [key for key in keys.findall(text) if "negative" not in key] + [
        key for key in keys.findall(text) if "negative" in key
    ]


# -- X/Y/Z plot ---------------------------------------------------------------------------------------------------


def plot(
    webui: Webui, x: tuple[str, str], y: tuple[str, str] = ("Nothing", ""), **changes: Any
) -> tuple[list[bytes], list[str]]:
    """The cells of a grid and their infotexts, row by row."""
    labels = axis_labels(webui)
    axes: list[Any] = []
    for label, values in (x, y, ("Nothing", "")):
        axes += [labels.index(label), values, []]
    flags = [False, True, False, True, False, False, False, 0, True]
    images, info = webui.images(
        script_name="x/y/z plot", script_args=[*axes, *flags], **{"steps": 2, "prompt": "1girl", **changes}
    )
    return images[1:], info["infotexts"][1:]


def prompts(texts: list[str]) -> list[str]:
    return [text.split("\n")[0] for text in texts]


def test_the_axes_are_there_once(webui: Webui):
    labels = axis_labels(webui)
    assert [labels.count(label) for label in (QUALITY, RATING, YEAR, PRESET, FORMAT)] == [1] * 5


def test_words_on_an_axis_take_the_place_of_the_prompts_own(webui: Webui):
    images, texts = plot(webui, (QUALITY, "best quality,low quality,Leave out"), prompt="1girl, masterpiece, solo")
    assert prompts(texts) == ["1girl, best quality, solo", "1girl, low quality, solo", "1girl, solo"]
    assert images == [webui.image(prompt=prompt, steps=2) for prompt in prompts(texts)]
    assert "Kohaku quality: best quality" in texts[0] and "Kohaku rating" not in texts[0]


def test_axes_of_words_go_together_and_equal_the_section(webui: Webui):
    images, texts = plot(webui, (RATING, 'safe,"explicit, nsfw"'), (YEAR, "newest,old"))
    assert prompts(texts) == [
        "1girl, newest, safe",
        "1girl, newest, explicit, nsfw",
        "1girl, old, safe",
        "1girl, old, explicit, nsfw",
    ]
    script = {"kohaku": {"args": [True, "", "Leave out", "explicit, nsfw", "old"]}}
    assert images[3] == webui.image(prompt="1girl", steps=2, alwayson_scripts=script)


def test_formats_on_an_axis_bring_their_usual_words(webui: Webui):
    _, texts = plot(webui, (FORMAT, "Kohaku XL Gamma,animagine-xl-3.1,Kohaku XL Beta"))
    assert prompts(texts) == [f"1girl, {USUAL}", "1girl, safe, masterpiece, best quality, very aesthetic", "1girl"]
    _, mixed = plot(webui, (FORMAT, "Kohaku XL Gamma,Pony Diffusion V6 XL"), (RATING, "Usual"))
    assert "rating_safe" in mixed[1] and "safe" in mixed[0]


def test_presets_on_an_axis_set_what_a_click_sets(webui: Webui):
    small = {
        "format": 1,
        "name": "small",
        "parts": {"general": ["solo"], "counts": ["1girl"]},
        "negative": "blurry",
        "size": [128, 64],
        "cfg": 3,
        "steps": 1,
        "sampler": "Euler a",
    }
    folder = webui.data / "kohaku" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "small.json").write_text(json.dumps(small))
    (folder / "words.json").write_text(json.dumps({"format": 1, "name": "words", "parts": {"general": ["cat"]}}))
    images, texts = plot(webui, (PRESET, "words,small"), prompt="anything")
    assert prompts(texts) == ["cat", "1girl, solo"]
    assert "Negative prompt: blurry" in texts[1] and "Negative prompt: bad" in texts[0]
    assert all(part in texts[1] for part in ("Steps: 1,", "Sampler: Euler a,", "CFG scale: 3", "Size: 128x64"))
    same = {"prompt": "1girl, solo", "negative_prompt": "blurry", "width": 128, "height": 64, "cfg_scale": 3}
    assert images == [webui.image(prompt="cat", steps=2), webui.image(**same, steps=1, sampler_name="Euler a")]


@pytest.mark.parametrize(
    ("axis", "value", "message"),
    [
        (QUALITY, "shiny", "No model has the quality 'shiny'"),
        (FORMAT, "omega", "There is no prompt format 'omega'"),
        (PRESET, "no such", "There is no preset 'no such'"),
    ],
)
def test_a_wrong_value_is_refused_before_the_first_image(webui: Webui, axis: str, value: str, message: str):
    args = [axis_labels(webui).index(axis), value, [], 0, "", [], 0, "", [], *[False] * 8, True]
    body = {"steps": 1, "width": 64, "height": 64, "script_name": "x/y/z plot", "script_args": args}
    status, _ = webui.call("POST", "/sdapi/v1/txt2img", body)
    assert status == 500
    assert message in webui.log


def test_a_word_that_the_model_lacks_leaves_its_cell_empty(webui: Webui):
    images, _ = plot(webui, (QUALITY, "masterpiece,score_9"))
    assert len(set(images[1])) == 1 and len(set(images[0])) > 1
