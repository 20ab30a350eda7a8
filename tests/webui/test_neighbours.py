"""What else changes the weights of the loaded model: LoRAs, chosen VAEs, a second model in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.webui.server import Webui
from tests.webui.test_grid import RECIPE, grid
from tests.webui.test_merging import FORMULA

LAYER = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
TEXT_LAYER = "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"
WIDTH = 64
VAE = "first_stage_model."


@contextmanager
def options(webui: Webui, **changed: Any) -> Iterator[None]:
    """Settings for a while."""
    before = webui.call("GET", "/sdapi/v1/options")[1]
    webui.call("POST", "/sdapi/v1/options", changed)
    try:
        yield
    finally:
        webui.call("POST", "/sdapi/v1/options", {name: before[name] for name in changed})


@pytest.fixture(scope="module")
def saved(webui: Webui) -> str:
    job = webui.job("/merge", {"formula": FORMULA, "name": "reference", "overwrite": True})
    assert job["state"] == "done", job["message"]
    return "reference"


def load_unsaved(webui: Webui) -> None:
    job = webui.job("/load-unsaved", {"formula": FORMULA, "name": "gamma"})
    assert job["state"] == "done", job["message"]


def test_loras_that_are_baked_in_do_not_get_into_the_merge(webui: Webui, saved: str):
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for layer in (LAYER, TEXT_LAYER):
        tensors[f"{layer}.lora_down.weight"] = torch.randn(4, WIDTH, generator=generator) * 0.3
        tensors[f"{layer}.lora_up.weight"] = torch.randn(WIDTH, 4, generator=generator) * 0.3
        tensors[f"{layer}.alpha"] = torch.tensor(4.0)
    save_file(tensors, webui.data / "models" / "Lora" / "strong.safetensors")
    webui.call("POST", "/sdapi/v1/refresh-loras", {})
    prompt = "1girl, solo <lora:strong:1>"
    plain, changed = webui.image(), webui.image(prompt=prompt)
    assert plain != changed
    load_unsaved(webui)  # the LoRA's weights are still in the model now
    unsaved, unsaved_with = webui.image(), webui.image(prompt=prompt)
    webui.job("/restore", {})
    assert unsaved == webui.image(override_settings={"sd_model_checkpoint": saved})
    assert unsaved_with == webui.image(prompt=prompt, override_settings={"sd_model_checkpoint": saved})
    assert unsaved_with != unsaved
    assert webui.image() == plain


def test_the_chosen_vae_is_used_for_the_merge_too(webui: Webui, saved: str):
    folder = webui.data / "models"
    vae = load_file(folder / "Stable-diffusion" / "mini_c.safetensors")
    own = {name.removeprefix(VAE): tensor for name, tensor in vae.items() if name.startswith(VAE)}
    save_file(own, folder / "VAE" / "other.safetensors")
    webui.call("POST", "/sdapi/v1/refresh-vae", {})
    before = webui.image()
    with options(webui, sd_vae="other.safetensors"):
        assert webui.image() != before
        expected = webui.image(override_settings={"sd_model_checkpoint": saved})
        load_unsaved(webui)
        assert webui.image() == expected
        webui.job("/restore", {})
    assert webui.image() == before


def test_two_models_in_memory_are_not_mixed_up(webui: Webui, saved: str):
    a, b = (webui.image(override_settings={"sd_model_checkpoint": name}) for name in ("mini_a", "mini_b"))
    expected = webui.image(override_settings={"sd_model_checkpoint": saved})
    with options(webui, sd_checkpoints_limit=2):
        assert webui.image(override_settings={"sd_model_checkpoint": "mini_b"}) == b
        assert webui.image() == a
        load_unsaved(webui)
        assert webui.image() == expected
        assert webui.image(override_settings={"sd_model_checkpoint": "mini_b"}) == b
        assert webui.image() == a  # not the merge that was made in its place
        load_unsaved(webui)
        webui.job("/restore", {})
        assert webui.image() == a


def test_tiling_survives_a_merge_for_a_grid(webui: Webui, saved: str):
    document = {"kohaku_recipe": 1, "name": "tiled", "formula": FORMULA}
    webui.kohaku("PUT", "/recipes/tiled", {"recipe": document, "overwrite": True})
    expected = webui.image(tiling=True, override_settings={"sd_model_checkpoint": saved})
    assert expected != webui.image(override_settings={"sd_model_checkpoint": saved})
    assert grid(webui, (RECIPE, "tiled"), tiling=True) == [expected]


def test_a_missing_file_leaves_the_model_alone(webui: Webui):
    before = webui.image()
    gone = Path(webui.data / "models" / "Stable-diffusion" / "gone.safetensors")
    gone.write_bytes((webui.data / "models" / "Stable-diffusion" / "mini_b.safetensors").read_bytes()[:5_000_000])
    status, answer = webui.call(
        "POST", "/kohaku/v1/load-unsaved", {"formula": "mini_a + 0.5*(gone - mini_c)", "name": "x"}
    )
    gone.unlink()
    assert status == 400
    assert "gone.safetensors" in answer["error"]
    assert webui.image() == before
