"""LoRA files for every layer of a mini, text encoders included, named as training tools name them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

_UNET = "model.diffusion_model."
_TEXT_1 = "conditioner.embedders.0.transformer.text_model."
_TEXT_2 = "conditioner.embedders.1.model.transformer.resblocks."
_RANK = 4
_PARTS_2 = {"attn.out_proj.weight": "self_attn_out_proj", "mlp.c_fc.weight": "mlp_fc1", "mlp.c_proj.weight": "mlp_fc2"}


def write_lora(path: Path, checkpoint: Path, seed: int, size: float = 0.15) -> None:
    """One LoRA; ``size`` is the spread of its factors."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    with safe_open(checkpoint, "pt") as file:
        shapes = {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    for layer, shape in _layers(shapes):
        up_shape = (shape[0], _RANK, *[1] * (len(shape) - 2))
        tensors[f"{layer}.lora_down.weight"] = torch.randn(_RANK, *shape[1:], generator=generator) * size
        tensors[f"{layer}.lora_up.weight"] = torch.randn(*up_shape, generator=generator) * size
        tensors[f"{layer}.alpha"] = torch.tensor(_RANK / 2)
    save_file(tensors, path)


def _layers(shapes: dict[str, list[int]]) -> Iterator[tuple[str, list[int]]]:
    for name, shape in shapes.items():
        layer = name.removesuffix(".weight").replace(".", "_")
        if name.startswith(_UNET) and name.endswith(".weight") and len(shape) in (2, 4):
            yield "lora_unet_" + layer[len(_UNET) :], shape
        elif name.startswith(_TEXT_1) and name.endswith(".weight") and len(shape) == 2 and "embedding" not in name:
            yield "lora_te1_text_model_" + layer[len(_TEXT_1) :], shape
        elif name.startswith(_TEXT_2):
            index, _, part = name[len(_TEXT_2) :].partition(".")
            start = f"lora_te2_text_model_encoder_layers_{index}_"
            if part == "attn.in_proj_weight":
                yield from ((f"{start}self_attn_{letter}_proj", [shape[0] // 3, shape[1]]) for letter in "qkv")
            elif part in _PARTS_2:
                yield start + _PARTS_2[part], shape
