"""The kinds of fp8 files that can be written."""

from __future__ import annotations

from enum import Enum


class Profile(str, Enum):
    """For whom a file is.

    * ``webui``: scaled, convolutions included; the smallest and best, for this extension.
    * ``comfyui``: linear layers scaled and marked as ComfyUI expects, everything else as it was.
    * ``plain``: no scales, for every program that reads float8 at all; loses small weights.
    """

    WEBUI = "webui"
    COMFYUI = "comfyui"
    PLAIN = "plain"
