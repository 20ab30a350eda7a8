"""Simple mode, block weights, and what every list of files offers: handlers without components."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from lib_kohaku.app.binding import short_names
from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.errors import RefusedError
from lib_kohaku.merge.formula.printer import quote_name
from lib_kohaku.merge.methods.base import Method
from lib_kohaku.merge.methods.describe import method_documents
from lib_kohaku.merge.methods.registry import METHODS
from lib_kohaku.merge.presets import block_preset, block_presets
from lib_kohaku.ui.markup import Markup, div, notice
from lib_kohaku.ui.merge import simple_formula as simple
from lib_kohaku.ui.merge.choices import NETWORKS
from lib_kohaku.ui.merge.errors import shows_errors
from lib_kohaku.ui.merge.form import choose_files
from lib_kohaku.ui.merge.method_fields import method_fields
from lib_kohaku.ui.merge.weights_text import (
    parse_weights,
    preset_weights,
    presets_for,
    put_weights,
    weight_words,
    write_weights,
)


def method_of(label: Any) -> Method:
    """The method that the page calls so.

    Raises:
        RefusedError: If there is none.
    """
    for method in METHODS.values():
        if method.label == label and simple.is_simple(method):
            return method
    raise RefusedError("Choose a method.")


def network_of(label: Any) -> str:
    """The block map that the page calls so.

    Raises:
        RefusedError: If there is none.
    """
    if not isinstance(label, str) or label not in NETWORKS:
        raise RefusedError("Choose a network.")
    return NETWORKS[label]


class FieldHandlers:
    """Handlers that fill fields out of other fields."""

    def __init__(self, workbench: MergeWorkbench) -> None:
        self._workbench = workbench
        count = 1 + simple.SINGLE_FIELDS + 1 + simple.SETTING_FIELDS + 2
        self.method_outputs = count
        self.show_method = shows_errors(note_at=0, outputs=count)(self._show_method)
        self.write_simple = shows_errors(note_at=1, outputs=3)(self._write_simple)
        self.use_preset = shows_errors(note_at=1, outputs=2)(self._use_preset)
        self.put_weights = shows_errors(note_at=1, outputs=2)(self._put_weights)

    def model_names(self) -> list[str]:
        """Checkpoints by their shortest names."""
        return list(short_names(self._workbench.host.library()).values())

    def vae_names(self) -> list[str]:
        """Files that hold a VAE alone."""
        return sorted(self._workbench.host.library().vaes, key=str.lower)

    def candidates(self) -> str:
        """Everything that can be completed in the formula box, and the tables that our JavaScript draws from."""
        names = short_names(self._workbench.host.library())
        document = {
            "models": [{"file": file, "name": name, "insert": quote_name(name)} for file, name in names.items()],
            "methods": [
                {
                    "name": item["name"],
                    "insert": f"{item['name']}(",
                    "detail": item["signature"],
                    "about": item["description"],
                }
                for item in method_documents()
            ],
            "presets": [
                {"name": preset.name, "insert": f'"{preset.name}"', "about": preset.description}
                for preset in block_presets().values()
            ],
            "blocks": {network: list(block_map(network).names) for network in NETWORKS.values()},
            "networks": {network: label for label, network in NETWORKS.items()},
        }
        return json.dumps(document, ensure_ascii=False)

    # -- simple mode ----------------------------------------------------------------------------------------------

    def _show_method(self, label: Any) -> list[Any]:
        """Method -> what it does, then the properties of every field."""
        about, *fields = method_fields(method_of(label))
        return [about, *(gr.update(**properties) for properties in fields)]

    def _write_simple(self, weights: Any, choices: Any, label: Any, *values: Any) -> list[Any]:
        """Weights, choices, method, fields -> formula, note, choices."""
        method = method_of(label)
        singles, rest = values[: simple.SINGLE_FIELDS], values[simple.SINGLE_FIELDS :]
        many, settings, (numbers, by_blocks) = (
            rest[0],
            rest[1 : 1 + simple.SETTING_FIELDS],
            rest[1 + simple.SETTING_FIELDS :],
        )
        choice = simple.SimpleChoice(
            singles=[name if isinstance(name, str) else "" for name in singles],
            many=[name for name in many if isinstance(name, str)] if isinstance(many, list) else [],
            settings=[value if isinstance(value, (int, float)) else 0.0 for value in settings],
            numbers=numbers if isinstance(numbers, str) else "",
            weights=_weights(weights) if by_blocks is True else "",
        )
        if not simple.is_complete(method, choice):
            return [gr.update(), _missing_note(method, choice), gr.update()]
        formula = simple.simple_formula(method, choice)
        return [formula, _weights_note(choice.weights), self._files_of(choice, str(choices or ""))]

    def _files_of(self, choice: simple.SimpleChoice, choices: str) -> str:
        """The choices with the files of these fields: a role of the same name may stand for another one by now."""
        named = {*choice.singles, *choice.many}
        names = short_names(self._workbench.host.library())
        return choose_files(choices, {name: file for file, name in names.items() if name in named})

    # -- block weights --------------------------------------------------------------------------------------------

    def presets(self, network: Any) -> Any:
        """Network -> the presets that fit it."""
        known = NETWORKS.get(network, "sdxl") if isinstance(network, str) else "sdxl"
        return gr.update(choices=presets_for(block_map(known)), value=None)

    def _use_preset(self, name: Any, network: Any) -> list[Any]:
        """Preset, network -> list, note."""
        if not name:
            return [gr.update(), ""]
        blocks = block_map(network_of(network))
        return [preset_weights(str(name), blocks), div("kohaku-hint", block_preset(str(name)).description)]

    def _put_weights(self, formula: Any, weights: Any, network: Any) -> list[Any]:
        """Formula, list, network -> formula, note."""
        blocks = block_map(network_of(network))
        text = write_weights(parse_weights(str(weights), blocks))
        return [put_weights(str(formula or ""), text), ""]


def _missing_note(method: Method, choice: simple.SimpleChoice) -> Markup:
    """Which models are still to be chosen, once a choice was begun: until then the formula is the one of before."""
    missing = simple.missing_models(method, choice)
    if not any(choice.singles) and not choice.many:
        return Markup("")
    return div("kohaku-hint", f"Still to be chosen: {', '.join(missing)}. Until then the formula stays as it is.")


def _weights_note(weights: str) -> Markup:
    """Where the block weights that simple mode uses are to be set."""
    if not weights:
        return Markup("")
    if any(float(value) for value in weights.split(",")):
        return div("kohaku-hint", "The block weights are set on the page Block weights; the formula follows.")
    return notice("All block weights are 0. Set them on the page Block weights; the formula follows.", "warning")


def _weights(text: Any) -> str:
    words = str(text or "")
    for network in ("sdxl", "sd1"):
        blocks = block_map(network)
        if len(weight_words(words)) == len(blocks.names):
            return write_weights(parse_weights(words, blocks))
    raise RefusedError("The list of block weights is not complete: see Block weights.")
