"""Copied into the webui as the script of another extension: makes it take minis for SDXL, and looks around in it."""

from __future__ import annotations

import sys
from pathlib import Path

import open_clip
import torch
from modules import patches, script_callbacks, scripts, sd_models, sd_models_config

_here = Path(__file__).parent.parent
open_clip.add_model_config(_here / "kohaku-mini-g.json")
sd_models_config.config_sdxl = str(_here / "mini_sdxl.yaml")


def pending():
    """The formula of the recipe that waits for the tab."""
    recipe = sys.modules["lib_kohaku.webui"].workbench().take_pending()
    return {"formula": recipe.formula if recipe else ""}


def installed(app):
    """What of ours hangs in the webui, and what is left of it when it is taken back."""
    webui = sys.modules["lib_kohaku.webui"]
    answer = {
        "callbacks": {
            category: sum("sd-webui-kohaku" in str(entry.script) for entry in entries)
            for category, entries in script_callbacks.callback_map.items()
        },
        "scripts": [
            sum(script.title() == "Kohaku" for script in runner.alwayson_scripts)
            for runner in (scripts.scripts_txt2img, scripts.scripts_img2img)
        ],
        "routes": sorted(
            f"{method} {route.path}"
            for route in app.routes
            if getattr(route, "path", "").startswith("/kohaku/")
            for method in route.methods
        ),
        "patched": _patched(),
    }
    webui.stop_fp8()
    try:
        return {**answer, "left": _patched()}
    finally:
        webui.start_fp8([])


def _patched():
    found = [name for name, value in vars(sd_models).items() if callable(value) and _is_ours(value)]
    found += [f"{name}.forward" for name, value in vars(torch.nn).items() if _is_ours(getattr(value, "forward", None))]
    found += [str(key) for key, fields in patches.originals.items() if "kohaku" in str(key) and fields]
    return sorted(found)


def _is_ours(thing):
    return "lib_kohaku" in str(getattr(thing, "__module__", ""))


def _add_routes(demo, app):
    app.add_api_route("/test/pending", pending)
    app.add_api_route("/test/installed", lambda: installed(app))


script_callbacks.on_app_started(_add_routes)
