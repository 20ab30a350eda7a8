"""Makes a webui on a CPU compute in 16 bits, in one of the three ways that it has on other devices.

A CPU has no float16 for this, so the models are bfloat16. Copied into the webui as an extension that is loaded first;
``--no-half`` is taken back.

KOHAKU_TEST_CAST says how layers get their types: ``manual`` is the webui's own cast of MPS, XPU and GTX 16xx,
``autocast`` stands for CUDA's, ``none`` is what ``--precision half`` does.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from modules import devices, sd_models, shared

CAST = os.environ["KOHAKU_TEST_CAST"]


def _set_types() -> None:
    devices.dtype = devices.dtype_unet = devices.dtype_inference = torch.bfloat16


def _autocast(disable: bool = False) -> Any:
    return contextlib.nullcontext() if disable or CAST == "none" else torch.autocast("cpu", torch.bfloat16)


def _without_autocast(disable: bool = False) -> Any:
    return contextlib.nullcontext() if disable else torch.autocast("cpu", enabled=False)


def _norm_of_one_type(norm: Any) -> Any:
    """CUDA's autocast computes norms in float32; elsewhere they take inputs of another type than the weights'."""

    def run(values: torch.Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> torch.Tensor:
        values = values.float() if CAST == "autocast" else values
        parameters = (None if each is None else each.to(values.dtype) for each in (weight, bias))
        return norm(values, shape, *parameters, eps)

    return run


def _around_load(load: Any) -> Any:
    def load_model_weights(*values: Any) -> Any:
        try:
            return load(*values)
        finally:
            _set_types()  # it sets float16

    return load_model_weights


shared.cmd_opts.no_half, shared.cmd_opts.no_half_vae = False, True
torch.nn.Module.half = torch.nn.Module.bfloat16
devices.dtype_vae = torch.float32
_set_types()
F.group_norm, F.layer_norm = _norm_of_one_type(F.group_norm), _norm_of_one_type(F.layer_norm)
sd_models.load_model_weights = _around_load(sd_models.load_model_weights)
if CAST == "manual":
    devices.cuda_no_autocast = lambda *_: True
else:
    devices.autocast, devices.without_autocast = _autocast, _without_autocast
