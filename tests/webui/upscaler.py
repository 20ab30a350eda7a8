"""A tiny ESRGAN with the true key names, in place of a model that would have to be downloaded: all grey."""

from __future__ import annotations

from pathlib import Path

import torch

_WIDTH, _GROWTH = 8, 32


def write_upscaler(path: Path) -> None:
    """Write a 4x model of one block whose output is 0.25 everywhere."""
    state = {}

    def conv(name: str, out: int, into: int) -> None:
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.zeros(out, into, 3, 3), torch.zeros(out)

    conv("conv_first", _WIDTH, 3)
    for dense in (1, 2, 3):
        for number in range(1, 6):
            out = _WIDTH if number == 5 else _GROWTH
            conv(f"body.0.rdb{dense}.conv{number}", out, _WIDTH + _GROWTH * (number - 1))
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        conv(name, _WIDTH, _WIDTH)
    conv("conv_last", 3, _WIDTH)
    state["conv_last.bias"] = torch.full((3,), 0.25)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The webui refuses archives with entries that its own torch did not write; the older form has no entries.
    torch.save({"params_ema": state}, path, _use_new_zipfile_serialization=False)
