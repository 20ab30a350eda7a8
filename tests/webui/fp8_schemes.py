"""fp8 checkpoints of every scheme, made here with plain torch, each with what its codes say in float32.

Nothing of the extension's own fp8 code is used, so that what the webui shows for the one can be held against what it
shows for the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

E4M3 = torch.float8_e4m3fn
LARGEST = 448.0
_KEPT = ("time_embed", "label_emb", "emb_layers", "embedding", "input_blocks.0.0", "diffusion_model.out.", "projection")
Tensors = dict[str, torch.Tensor]


def is_linear(name: str, tensor: torch.Tensor) -> bool:
    """Weights that quantisers of other tools take."""
    weight = name.endswith((".weight", "in_proj_weight")) and tensor.dim() == 2
    return weight and not name.startswith("first_stage") and not any(part in name for part in _KEPT)


def is_weight(name: str, tensor: torch.Tensor) -> bool:
    """The same with convolutions."""
    is_convolution = name.startswith("model.") and tensor.dim() == 4 and not any(part in name for part in _KEPT)
    return is_linear(name, tensor) or is_convolution


def encode(weight: torch.Tensor, scale: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes, and the values that they stand for: ``code * scale`` in float32."""
    shaped = scale.reshape(-1, *[1] * (weight.dim() - 1))
    codes = (weight.float() / shaped).clamp(-LARGEST, LARGEST).to(E4M3)
    return codes, (codes.float() * shaped).reshape(weight.shape)


def peak_scale(weight: torch.Tensor, by_channel: bool) -> torch.Tensor:
    """As ComfyUI's tools choose it: no power of two."""
    flat = weight.float().abs().reshape(len(weight), -1)
    peak = flat.amax(1) if by_channel else flat.max()
    return (peak.clamp(min=1e-12) / LARGEST).float()


class Made:
    """A file that is being made, and the same in float32."""

    def __init__(self, source: Path, chosen: Callable[[str, torch.Tensor], bool]) -> None:
        self.tensors = load_file(source)
        self.wide: Tensors = {name: tensor.float() for name, tensor in self.tensors.items()}
        self.wide |= {name: tensor for name, tensor in self.tensors.items() if not tensor.is_floating_point()}
        self.chosen = [name for name, tensor in self.tensors.items() if chosen(name, tensor)]

    def quantise(self, name: str, scale: torch.Tensor) -> None:
        self.tensors[name], self.wide[name] = encode(self.tensors[name], scale)

    def write(self, folder: Path, name: str, metadata: dict[str, str] | None = None) -> None:
        save_file(self.tensors, folder / f"{name}.safetensors", metadata)
        save_file(self.wide, folder / f"{name}_wide.safetensors")


def write_plain(source: Path, folder: Path) -> None:
    """No scales; the linear and convolution weights."""
    made = Made(source, is_weight)
    for name in made.chosen:
        made.quantise(name, torch.tensor(1.0))
    made.write(folder, "plain")


def write_everything(source: Path, folder: Path) -> None:
    """Every floating-point tensor without a scale, biases, norms, embeddings and VAE too, as model-converter does."""
    made = Made(source, lambda name, tensor: tensor.is_floating_point())
    for name in made.chosen:
        made.quantise(name, torch.tensor(1.0))
    made.write(folder, "everything")


def write_scaled(source: Path, folder: Path) -> None:
    """``scale_weight`` with a marker, as ComfyUI wrote it in 2024: of the UNet; no powers of two."""
    made = Made(source, lambda name, tensor: name.startswith("model.") and is_linear(name, tensor))
    for name in made.chosen:
        scale = peak_scale(made.tensors[name], by_channel=False)
        made.quantise(name, scale)
        made.tensors[name.removesuffix(".weight") + ".scale_weight"] = scale
        made.tensors[name.removesuffix(".weight") + ".scale_input"] = torch.tensor(1.0)
    made.tensors["model.diffusion_model.scaled_fp8"] = torch.zeros(2, dtype=E4M3)
    made.write(folder, "scaled")


def write_mixed(source: Path, folder: Path) -> None:
    """``weight_scale`` per tensor or per row, named by ``comfy_quant`` or by the header; UNet and text encoders."""
    made = Made(source, is_linear)
    layers = {}
    for index, name in enumerate(made.chosen):
        layer = name.removesuffix(".weight")
        by_row = index % 3 == 0
        scale = peak_scale(made.tensors[name], by_row)
        made.quantise(name, scale)
        made.tensors[layer + ".weight_scale"] = scale[:, None].contiguous() if index % 6 == 0 else scale
        entry = {"format": "float8_e4m3fn_rowwise" if by_row else "float8_e4m3fn"}
        if index % 2:
            text = json.dumps(entry).encode()
            made.tensors[layer + ".comfy_quant"] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        else:
            layers[layer] = entry
    header = {"_quantization_metadata": json.dumps({"format_version": "1.0", "layers": layers})}
    made.write(folder, "mixed", header)


WRITERS = {"plain": write_plain, "everything": write_everything, "scaled": write_scaled, "mixed": write_mixed}


def spoil(source: Path, target: Path, change: Callable[[Tensors], None]) -> None:
    """A copy of an fp8 file with something wrong in it."""
    tensors = load_file(source)
    change(tensors)
    save_file(tensors, target)
