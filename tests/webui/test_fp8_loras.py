"""Every family of LoRA-like files on weights in fp8: the effect that it has in float32, and no trace afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from safetensors.torch import save_file

from tests.webui.fp8_models import MODE, choose, comments, make_models, normal_around, other, pixels, weights_of
from tests.webui.lora_families import FAMILIES, write_family
from tests.webui.server import Webui

PLAIN = "1girl, solo "
# Of 1058: where a family has nothing for convolutions, and norms.
LEAST_LAYERS = {"norm": 200, "glora": 700, "ia3": 700, "ia3_on_input": 700}
TOGETHER = [
    "<lora:lora:0.7><lora:lokr:-0.6>",
    "<lora:lora:0.8><lora:dora:0.5>",  # what depends on the weight has to see the one before it
    "<lora:lora:1><lora:boft:1><lora:ia3:0.7>",
    "<lora:oft:1><lora:lora:0.5>",
    "<lora:dora:0.6:te=0><lora:loha:te=0.9:unet=0>",
    "<lora:lora:1:dyn=2>",
    "<lora:lora:te=1:unet=0>",
]


@pytest.fixture(scope="module")
def files(webui: Webui) -> dict[str, int]:
    """How many layers each family's file changes."""
    make_models(webui)
    model = webui.data / "models" / "Stable-diffusion" / "mini_a.safetensors"
    loras = webui.data / "models" / "Lora"
    counts = {name: write_family(loras / f"{name}.safetensors", model, name) for name in FAMILIES}
    layer = "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q"
    save_file({f"{layer}.diff": torch.ones(3, 5)}, loras / "odd.safetensors")
    webui.call("POST", "/sdapi/v1/refresh-loras", {})
    return counts


@pytest.fixture(scope="module")
def merged(webui: Webui, files: dict[str, int]) -> dict[str, bytes]:
    """Images of the codes' numbers in float32, with LoRAs merged by the webui."""
    prompts = ["", *(f"<lora:{family}:0.8>" for family in FAMILIES), *TOGETHER]
    images = {}
    for words in prompts:
        images[words] = webui.image(prompt=PLAIN + words, **other("a_wide"))
        assert comments(webui) == [], words
    return images


@pytest.fixture(scope="module")
def ordinary(webui: Webui, merged: dict[str, bytes]) -> dict[str, str]:
    """Every tensor of mini_a as it is in its file."""
    with normal_around(webui):
        webui.image()
        return weights_of(webui)


@pytest.fixture(autouse=True)
def _normal(webui: Webui, ordinary: dict[str, str]) -> Iterator[None]:
    with normal_around(webui):
        yield


def check_effect(webui: Webui, words: str, plain: bytes, changed: bytes, mode: str = MODE) -> None:
    """The change of the image is that of merging into the same numbers in float32, within 1 %."""
    choose(webui, mode)
    base = webui.image(prompt=PLAIN)
    found = pixels(webui.image(prompt=PLAIN + words)) - pixels(base)
    assert comments(webui) == []
    wanted = pixels(changed) - pixels(plain)
    assert base == plain
    assert wanted.norm() > 300, float(wanted.norm())
    assert (found - wanted).norm() < 0.01 * wanted.norm(), float((found - wanted).norm() / wanted.norm())
    assert webui.image(prompt=PLAIN) == base


@pytest.mark.parametrize("family", FAMILIES)
def test_the_effect_is_that_in_float32_and_nothing_is_left_of_it(
    webui: Webui, files: dict[str, int], merged: dict[str, bytes], ordinary: dict[str, str], family: str
):
    assert files[family] >= LEAST_LAYERS.get(family, 1000), files
    image, words = webui.image(), f"<lora:{family}:0.8>"
    check_effect(webui, words, merged[""], merged[words])
    webui.image(prompt=f"{PLAIN}<lora:{family}:1>")
    choose(webui, "Off")  # while the LoRA is applied
    assert webui.image() == image
    assert weights_of(webui) == ordinary


@pytest.mark.parametrize("words", TOGETHER)
def test_several_at_once_and_parts_of_one(webui: Webui, merged: dict[str, bytes], words: str):
    check_effect(webui, words, merged[""], merged[words])


def test_other_ways_of_holding_do_not_matter(webui: Webui):
    mode, words = "UNet+TE e5m2 plain", "<lora:lora:1><lora:dora:0.5>"
    wide = other(make_models(webui, mode))
    plain, changed = (webui.image(prompt=PLAIN + text, **wide) for text in ("", words))
    check_effect(webui, words, plain, changed, mode)


def test_the_unet_alone(webui: Webui):
    """The webui merges LoRAs into the text encoders, which stay ordinary, and leaves the UNet to us."""
    mode, words = "UNet e4m3fn scaled", "<lora:lora:0.8><lora:loha:-0.5>"
    wide = other(make_models(webui, mode))
    plain, changed = (webui.image(prompt=PLAIN + text, **wide) for text in ("", words))
    check_effect(webui, words, plain, changed, mode)


def test_the_first_step_is_as_the_last(webui: Webui):
    """The webui's own fp8 computes the first step after a change of LoRAs with other weights than the rest."""
    prompt = f"{PLAIN}<lora:lora:1><lora:dora:0.5>"
    choose(webui, MODE)
    webui.image(prompt=PLAIN)
    first = webui.image(prompt=prompt)
    assert webui.image(prompt=prompt) == first


def test_the_old_way_of_applying_loras_gives_the_same(webui: Webui):
    """The setting "use old method" makes the webui add LoRAs to outputs; on managed layers nothing changes."""
    prompt = f"{PLAIN}<lora:lora:0.8>"
    choose(webui, MODE)
    expected = webui.image(prompt=prompt)
    webui.call("POST", "/sdapi/v1/options", {"lora_functional": True})
    try:
        found = webui.image(prompt=prompt)
        assert comments(webui) == []
        # Layers that stay in float32 are computed in another order.
        assert (pixels(found) - pixels(expected)).abs().max() <= 2
    finally:
        webui.call("POST", "/sdapi/v1/options", {"lora_functional": False})


def test_a_file_that_does_not_fit_is_counted_and_the_rest_goes_on(webui: Webui):
    choose(webui, MODE)
    base, expected = webui.image(prompt=PLAIN), webui.image(prompt=f"{PLAIN}<lora:lora:0.8>")
    assert webui.image(prompt=f"{PLAIN}<lora:odd:1><lora:lora:0.8>") == expected != base
    assert comments(webui) == ["Networks with errors: odd (1)"]
