"""Which type a layer computes in."""

from __future__ import annotations

import torch

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def compute_dtype(values: torch.Tensor) -> torch.dtype:
    """The type that an ordinary layer would compute in when called with ``values``.

    That is autocast's where autocast is on for the device, else the input's own: so a host that runs in half
    precision, in float32 or under autocast gets what it would get from 16-bit weights.
    """
    chosen = _autocast_dtype(values.device.type)
    if chosen is not None and values.dtype != torch.float64:
        return chosen
    return values.dtype if values.dtype in FLOATS else torch.float32


def _autocast_dtype(device_type: str) -> torch.dtype | None:
    """Autocast's type for a device, None where it is off."""
    if hasattr(torch, "get_autocast_dtype"):  # torch 2.4 and later
        knows_device = getattr(torch.amp, "is_autocast_available", None)
        if knows_device is not None and not knows_device(device_type):
            return None
        return torch.get_autocast_dtype(device_type) if torch.is_autocast_enabled(device_type) else None
    if device_type == "cpu":
        return torch.get_autocast_cpu_dtype() if torch.is_autocast_cpu_enabled() else None
    return torch.get_autocast_gpu_dtype() if torch.is_autocast_enabled() else None
