"""What the live fp8 tests share: the models, the switch, what images are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.fp8.choice import parse_choice
from lib_kohaku.fp8.files.convert import convert_file, expand_file
from lib_kohaku.fp8.files.plan import Profile
from tests.webui.server import Webui

MODE = "UNet+TE e4m3fn scaled"
WEIGHTS = 971  # of a mini, in that mode


def make_models(webui: Webui, mode: str = MODE) -> str:
    """Beside the minis: mini_a in fp8, and what those codes say in float32.

    Returns:
        The name of the latter.
    """
    folder = webui.data / "models" / "Stable-diffusion"
    short = "" if mode == MODE else "_" + mode.replace(" ", "_").replace("+", "")
    narrow, wide = folder / f"a_fp8{short}.safetensors", folder / f"a_wide{short}.safetensors"
    if not wide.exists():
        choice = parse_choice(mode)
        profile = Profile.WEBUI if choice.scaled else Profile.PLAIN
        convert_file(folder / "mini_a.safetensors", narrow, profile, choice.policy())
        expand_file(narrow, wide, DTYPES["F32"])
        webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})
    return wide.stem


def choose(webui: Webui, text: str) -> dict[str, Any]:
    """Move the switch."""
    return webui.kohaku("POST", "/fp8", {"choice": text})


def back_to_normal(webui: Webui) -> None:
    """mini_a as it is in its file."""
    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": "mini_a"})
    choose(webui, "Off")


@contextmanager
def normal_around(webui: Webui) -> Iterator[None]:
    """mini_a as it is in its file, before and after."""
    back_to_normal(webui)
    try:
        yield
    finally:
        back_to_normal(webui)


def other(name: str) -> dict[str, Any]:
    """Changes of an image's request: with that checkpoint."""
    return {"override_settings": {"sd_model_checkpoint": name}}


def pixels(data: bytes) -> torch.Tensor:
    """For arithmetic."""
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).double()


def weights_of(webui: Webui) -> dict[str, str]:
    """Every tensor of the loaded model, as digests."""
    status, answer = webui.call("GET", "/test/weights")
    assert status == 200, answer
    return answer


def comments(webui: Webui) -> list[str]:
    """What the webui said under the last image."""
    return webui.call("GET", "/test/comments")[1]
