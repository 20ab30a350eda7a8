"""Names of a mini's layers as training tools give them to LoRA files, text encoders included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

_UNET = "model.diffusion_model."
_TEXT_1 = "conditioner.embedders.0.transformer.text_model."
_TEXT_2 = "conditioner.embedders.1.model.transformer.resblocks."
_RANK = 4
_PARTS_2 = {"attn.out_proj.weight": "self_attn_out_proj", "mlp.c_fc.weight": "mlp_fc1", "mlp.c_proj.weight": "mlp_fc2"}

# A layer's name in LoRA files, its tensor in the checkpoint, and which third of that it is.
Layer = tuple[str, str, "int | None"]


def write_lora(path: Path, checkpoint: Path, seed: int, size: float = 0.15) -> None:
    """One LoRA; ``size`` is the spread of its factors."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    with safe_open(checkpoint, "pt") as file:
        shapes = {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    for layer, name, part in layers(list(shapes), shapes.__getitem__):
        shape = shapes[name] if part is None else [shapes[name][0] // 3, shapes[name][1]]
        up_shape = (shape[0], _RANK, *[1] * (len(shape) - 2))
        tensors[f"{layer}.lora_down.weight"] = torch.randn(_RANK, *shape[1:], generator=generator) * size
        tensors[f"{layer}.lora_up.weight"] = torch.randn(*up_shape, generator=generator) * size
        tensors[f"{layer}.alpha"] = torch.tensor(_RANK / 2)
    save_file(tensors, path)


def layers(names: Sequence[str], shape_of: Callable[[str], Sequence[int]], *, norms: bool = False) -> Iterator[Layer]:
    """Every layer that a LoRA file can have something for; with ``norms``, only the norms."""
    wanted = (1,) if norms else (2, 4)
    for name in names:
        if not name.endswith("weight") or len(shape_of(name)) not in wanted:
            continue
        layer = name.removesuffix(".weight").replace(".", "_")
        if name.startswith(_UNET):
            yield "lora_unet_" + layer[len(_UNET) :], name, None
        elif name.startswith(_TEXT_1) and "embedding" not in name:
            yield "lora_te1_text_model_" + layer[len(_TEXT_1) :], name, None
        elif name.startswith(_TEXT_2):
            yield from _second_encoder(name)


def _second_encoder(name: str) -> Iterator[Layer]:
    index, _, part = name[len(_TEXT_2) :].partition(".")
    start = f"lora_te2_text_model_encoder_layers_{index}_"
    if part == "attn.in_proj_weight":
        yield from ((f"{start}self_attn_{letter}_proj", name, place) for place, letter in enumerate("qkv"))
    elif part in _PARTS_2:
        yield start + _PARTS_2[part], name, None
    elif part in ("ln_1.weight", "ln_2.weight"):
        yield start + part.removesuffix(".weight"), name, None
