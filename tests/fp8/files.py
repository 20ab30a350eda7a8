"""Small checkpoint files for tests, written with the reference library."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from devtools.key_tables import key_table, shrink

UNET = "model.diffusion_model."
TO_Q = UNET + "input_blocks.4.1.transformer_blocks.0.attn1.to_q"
CONV = UNET + "input_blocks.3.0.op"
KEYS_OF_SDXL = (
    # what the architecture is told from
    UNET + "label_emb.0.0.weight",
    UNET + "input_blocks.7.1.transformer_blocks.0.attn2.to_k.weight",
)


def small_sdxl(dtype: torch.dtype = torch.float16, width: int = 24, seed: int = 0) -> dict[str, torch.Tensor]:
    """All tensors of SDXL with every size cut to ``width``."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for spec in shrink(key_table("sdxl"), width):
        if spec.dtype.floating:
            tensors[spec.name] = (torch.randn(spec.shape, generator=generator) * 0.02).to(dtype)
        else:
            tensors[spec.name] = torch.arange(spec.count).view(spec.shape)
    return tensors


def few_sdxl(dtype: torch.dtype = torch.float16, seed: int = 0) -> dict[str, torch.Tensor]:
    """A handful of tensors that is still recognised as SDXL: a linear layer, a convolution, and what stays."""
    generator = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(KEYS_OF_SDXL, (8, 8)),
        f"{TO_Q}.weight": (16, 12),
        f"{TO_Q}.bias": (16,),
        f"{CONV}.weight": (3, 5, 3, 3),  # an odd number of weights
        f"{UNET}out.2.weight": (4, 8, 3, 3),
        f"{UNET}input_blocks.1.0.in_layers.0.weight": (8,),
        "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight": (12, 4),
        "conditioner.embedders.1.model.logit_scale": (),
        "first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3),
    }
    return {name: (torch.randn(shape, generator=generator) * 0.02).to(dtype) for name, shape in shapes.items()}


def write(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> Path:
    """A file as other tools write it."""
    save_file(tensors, path, metadata or {})
    return path
