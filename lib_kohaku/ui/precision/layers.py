"""Names of weights as people read them: the block, and what it is in the block."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lib_kohaku.fp8.quality import WeightQuality

_NUMBER = re.compile(r"(\d+)")
_BLOCK = re.compile(r"\.(input_blocks|middle_block|output_blocks)\.(\d+)\.(.*)")
_ENCODER = re.compile(r"conditioner\.embedders\.(\d+)\.(?:transformer\.text_model\.|model\.)?(.*)")
_SECTIONS = {"input_blocks": "IN", "output_blocks": "OUT"}
_ROOT = "model.diffusion_model."


@dataclass(frozen=True)
class Layer:
    """Where a weight is.

    Attributes:
        block: ``IN04``, ``M00``, ``OUT08``, ``TE1``, ...
        name: The rest of its name.
    """

    block: str
    name: str


def layer_of(name: str) -> Layer:
    """Where a weight is, by its name in a checkpoint."""
    short = name.removesuffix(".weight")
    block = _BLOCK.search(short)
    if block is not None:
        section, number, rest = block.groups()
        if section == "middle_block":
            return Layer("M00", f"{number}.{rest}")
        return Layer(f"{_SECTIONS[section]}{int(number):02d}", rest)
    encoder = _ENCODER.match(short)
    if encoder is not None:
        return Layer(f"TE{int(encoder[1]) + 1}", encoder[2])
    if name.startswith(("cond_stage_model.", "text_encoders.")):
        return Layer("TE", short.split(".", 1)[1])
    return Layer("UNet", short.removeprefix(_ROOT))


def in_blocks(qualities: Iterable[WeightQuality]) -> dict[str, list[WeightQuality]]:
    """Weights by block: text encoders first, then input, middle and output blocks, numbers by value."""
    blocks: dict[str, list[WeightQuality]] = {}
    for quality in sorted(qualities, key=lambda quality: _natural(quality.name)):
        blocks.setdefault(layer_of(quality.name).block, []).append(quality)
    return blocks


def _natural(name: str) -> list[tuple[int, str]]:
    parts = _NUMBER.split(name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
