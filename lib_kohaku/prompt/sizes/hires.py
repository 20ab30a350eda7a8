"""The webui's hires fix: a second, larger pass over a picture of txt2img."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hires:
    """What is wanted of the hires fix. None and empty texts mean: leave what is set.

    Attributes:
        enabled: Whether it is on; the rest only matters if it is.
        upscaler: Name in the host's list.
        scale: Factor by which width and height grow.
        denoising: How much of the picture the second pass may change, 0 to 1.
    """

    enabled: bool = True
    upscaler: str = ""
    scale: float | None = None
    denoising: float | None = None
