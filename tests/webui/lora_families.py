"""A LoRA-like file of every family that the webui's network code knows, for every layer of a mini that fits it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from tests.webui.fp8_loras import layers

Tensors = dict[str, torch.Tensor]
RANK = 4


class Maker:
    """Makes the tensors of one layer.

    Attributes:
        weight: The layer's own.
        size: Spread of the numbers, so that images change clearly and stay images.
        has_bias: Whether the layer has a bias.
    """

    def __init__(self, weight: torch.Tensor, generator: torch.Generator, size: float, *, has_bias: bool) -> None:
        self.weight, self.size, self.has_bias = weight, size, has_bias
        self._generator = generator

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.weight.shape)

    @property
    def kernel(self) -> tuple[int, ...]:
        return self.shape[2:]

    def noise(self, *shape: int, size: float | None = None) -> torch.Tensor:
        spread = self.size if size is None else size
        return torch.randn(*shape, generator=self._generator) * spread


def lora(make: Maker) -> Tensors:
    up = make.noise(make.shape[0], RANK, *[1] * len(make.kernel))
    down = make.noise(RANK, *make.shape[1:])
    return {"lora_up.weight": up, "lora_down.weight": down, "alpha": torch.tensor(RANK / 2)}


def lora_named_by_peft(make: Maker) -> Tensors:
    names = {"lora_up.weight": "lora_B.weight", "lora_down.weight": "lora_A.weight"}
    return {names.get(name, name): tensor for name, tensor in lora(make).items()}


def lora_tucker(make: Maker) -> Tensors:
    """LoCon's "cp": a core with the kernel between two pointwise factors; plain for everything else."""
    if math.prod(make.kernel) == 1:
        return lora(make)
    ones = [1] * len(make.kernel)
    return {
        "lora_up.weight": make.noise(make.shape[0], RANK, *ones, size=0.3),
        "lora_mid.weight": make.noise(RANK, RANK, *make.kernel, size=0.3),
        "lora_down.weight": make.noise(RANK, make.shape[1], *ones, size=0.3),
        "alpha": torch.tensor(RANK / 2),
    }


def lora_with_bias(make: Maker) -> Tensors:
    """A sparse remainder beside the product, as old extractions have it."""
    return {**lora(make), "bias": make.noise(*make.shape, size=0.02)}


def dora(make: Maker) -> Tensors:
    columns = make.weight.transpose(0, 1).reshape(make.shape[1], -1)
    norms = columns.norm(dim=1).reshape(1, make.shape[1], *[1] * len(make.kernel))
    return {**lora(make), "dora_scale": norms * (1 + make.noise(*norms.shape, size=0.1))}


def loha(make: Maker) -> Tensors:
    inputs = math.prod(make.shape[1:])
    pairs = {}
    for part in ("w1", "w2"):
        pairs[f"hada_{part}_a"] = make.noise(make.shape[0], RANK, size=0.3)
        pairs[f"hada_{part}_b"] = make.noise(RANK, inputs, size=0.3)
    return {**pairs, "alpha": torch.tensor(RANK / 1.0)}


def loha_tucker(make: Maker) -> Tensors:
    if math.prod(make.kernel) == 1:
        return loha(make)
    made = {}
    for part, core in (("w1", "t1"), ("w2", "t2")):
        made[f"hada_{core}"] = make.noise(RANK, RANK, *make.kernel, size=0.5)
        made[f"hada_{part}_a"] = make.noise(RANK, make.shape[0], size=0.5)
        made[f"hada_{part}_b"] = make.noise(RANK, make.shape[1], size=0.5)
    return {**made, "alpha": torch.tensor(RANK / 1.0)}


def _split(size: int) -> tuple[int, int]:
    return (4, size // 4) if size % 4 == 0 else (1, size)


def lokr(make: Maker) -> Tensors:
    (a, b), (c, d) = _split(make.shape[0]), _split(make.shape[1])
    return {"lokr_w1": make.noise(a, c, size=0.3), "lokr_w2": make.noise(b, d, *make.kernel, size=0.3)}


def lokr_factored(make: Maker) -> Tensors:
    (a, b), (c, d) = _split(make.shape[0]), _split(make.shape[1])
    made = {
        "lokr_w1_a": make.noise(a, RANK, size=0.4),
        "lokr_w1_b": make.noise(RANK, c, size=0.4),
        "alpha": torch.tensor(RANK / 2),
    }
    if math.prod(make.kernel) > 1:
        made["lokr_t2"] = make.noise(RANK, RANK, *make.kernel, size=0.4)
        return {**made, "lokr_w2_a": make.noise(RANK, b, size=0.4), "lokr_w2_b": make.noise(RANK, d, size=0.4)}
    if make.kernel:
        return {**made, "lokr_w2": make.noise(b, d, *make.kernel, size=0.3)}
    return {**made, "lokr_w2_a": make.noise(b, RANK, size=0.4), "lokr_w2_b": make.noise(RANK, d, size=0.4)}


def full(make: Maker) -> Tensors:
    made = {"diff": make.noise(*make.shape, size=0.05)}
    # A bias for a layer without one makes the webui refuse the next LoRA ("no backup bias found"), with fp8 or without.
    return {**made, "diff_b": make.noise(make.shape[0], size=0.05)} if make.has_bias else made


def glora(make: Maker) -> Tensors:
    if make.kernel:
        return {}
    outputs, inputs = make.shape
    shapes = {"a1": (RANK, inputs), "a2": (inputs, RANK), "b1": (RANK, inputs), "b2": (outputs, RANK)}
    made = {f"{name}.weight": make.noise(*shape) for name, shape in shapes.items()}
    return {**made, "alpha": torch.tensor(1.0)}


def ia3(make: Maker) -> Tensors:
    if make.kernel:
        return {}
    return {"weight": make.noise(make.shape[0], size=0.2), "on_input": torch.tensor(False)}


def ia3_on_input(make: Maker) -> Tensors:
    if make.kernel:
        return {}
    return {"weight": make.noise(make.shape[1], size=0.2), "on_input": torch.tensor(True)}


def oft(make: Maker) -> Tensors:
    if make.shape[0] % 4:
        return {}
    size = make.shape[0] // 4
    return {"oft_blocks": make.noise(4, size, size, size=0.02), "alpha": torch.tensor(0.01)}


def oft_old(make: Maker) -> Tensors:
    """LyCORIS before 2.0: finished rotations."""
    if make.shape[0] % 4:
        return {}
    skew = make.noise(make.shape[0] // 4, 4, 4, size=0.1)
    skew = skew - skew.transpose(1, 2)
    return {"oft_diag": torch.linalg.matrix_exp(skew)}


def boft(make: Maker) -> Tensors:
    if make.shape[0] % 8:
        return {}
    rescale = 1 + make.noise(make.shape[0], size=0.05)
    return {"oft_blocks": make.noise(2, make.shape[0] // 4, 4, 4, size=0.05), "rescale": rescale}


def norm(make: Maker) -> Tensors:
    if len(make.shape) != 1:
        return {}
    return {"w_norm": make.noise(*make.shape, size=0.1), "b_norm": make.noise(*make.shape, size=0.1)}


FAMILIES: dict[str, Callable[[Maker], Tensors]] = {
    made.__name__: made
    for made in (
        *(lora, lora_named_by_peft, lora_tucker, lora_with_bias, dora, loha, loha_tucker, lokr, lokr_factored),
        *(full, glora, ia3, ia3_on_input, oft, oft_old, boft, norm),
    )
}


def write_family(path: Path, checkpoint: Path, family: str, seed: int = 1, size: float = 0.15) -> int:
    """Write one file; tells how many layers it has something for."""
    generator = torch.Generator().manual_seed(seed)
    tensors: Tensors = {}
    count = 0
    with safe_open(checkpoint, "pt") as file:
        names = list(file.keys())
        found = layers(names, lambda name: file.get_slice(name).get_shape(), norms=family == "norm")
        for layer, name, part in found:
            weight = file.get_tensor(name).float()
            has_bias = part is None and name.removesuffix("weight") + "bias" in names
            maker = Maker(weight if part is None else weight.chunk(3)[part], generator, size, has_bias=has_bias)
            made = FAMILIES[family](maker)
            tensors.update({f"{layer}.{key}": tensor.contiguous() for key, tensor in made.items()})
            count += bool(made)
    save_file(tensors, path)
    return count
