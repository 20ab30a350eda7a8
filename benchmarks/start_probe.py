"""Copied into a webui as the script of another extension: times this extension's hooks, as a plain image calls them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from modules import script_callbacks, scripts

ROUNDS = 2000
# In the order of an image of one batch; every hook gets the image and the values of its script's fields.
HOOKS = ("setup", "before_process", "process", "before_process_batch", "process_batch", "postprocess_batch")
LATER_HOOKS = ("postprocess_image", "postprocess")


def _measure(demo: Any, app: Any) -> None:
    runner = scripts.scripts_txt2img
    ours = [script for script in runner.alwayson_scripts if "kohaku" in str(script.filename).lower()]
    image = SimpleNamespace(extra_generation_params={}, prompt="1girl", negative_prompt="", all_prompts=["1girl"])
    began = time.thread_time()
    for _ in range(ROUNDS):
        for script in ours:
            values = [getattr(control, "value", None) for control in getattr(script, "controls", None) or ()]
            for name in HOOKS:
                if getattr(type(script), name) is not getattr(scripts.Script, name):
                    getattr(script, name)(image, *values)
            for name in LATER_HOOKS:
                if getattr(type(script), name) is not getattr(scripts.Script, name):
                    getattr(script, name)(image, image, *values)
    seconds = time.thread_time() - began
    found = {"scripts": len(ours), "seconds": seconds, "microseconds": seconds / ROUNDS * 1e6}
    Path(os.environ["KOHAKU_PROBE"]).write_text(json.dumps(found))


script_callbacks.on_app_started(_measure)
