"""Coefficients of a formula without files."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.merge.algebra.base_model import base_role
from lib_kohaku.merge.algebra.evaluate import Evaluator
from lib_kohaku.merge.algebra.forms import LinearForm
from lib_kohaku.merge.algebra.resolve import resolve_formula

UNET = "model.diffusion_model."
# One key of every slot of SDXL.
KEYS = {
    "TE1": "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight",
    "TE2": "conditioner.embedders.1.model.text_projection",
    "VAE": "first_stage_model.decoder.conv_in.weight",
    "TIME": f"{UNET}time_embed.0.weight",
    "LABEL": f"{UNET}label_emb.0.0.weight",
    "OUT": f"{UNET}out.2.weight",
    "M00": f"{UNET}middle_block.1.proj_in.weight",
    **{f"IN{i:02}": f"{UNET}input_blocks.{i}.0.weight" for i in range(9)},
    **{f"OUT{i:02}": f"{UNET}output_blocks.{i}.0.in_layers.0.weight" for i in range(9)},
}


class Algebra:
    """A formula, ready to be asked for coefficients."""

    def __init__(
        self, text: str, blocks: str | None = "sdxl", profile: str = "supermerger", **parameters: float
    ) -> None:
        self.resolved = resolve_formula(text, parameters)
        self.base = base_role(self.resolved)
        self._evaluator = Evaluator(self.resolved, block_map(blocks) if blocks else None, profile, self.base)

    def form(self, key: str = "x", missing: tuple[str, ...] = ()) -> LinearForm:
        return self._evaluator.form(self._evaluator.class_of(key, frozenset(missing)))

    def coefficients(self, key: str = "x", missing: tuple[str, ...] = ()) -> Mapping[Any, Fraction]:
        return self.form(key, missing).coefficients


def fractions(**values: str) -> dict[str, Fraction]:
    """``fractions(a="0.5")`` is ``{"a": Fraction(1, 2)}``."""
    return {name: Fraction(value) for name, value in values.items()}
