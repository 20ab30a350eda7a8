"""Tasks with files: converting, measuring, importing."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from lib_kohaku.ui.ids import button, element_id
from lib_kohaku.ui.precision import texts
from lib_kohaku.ui.precision.choices import EXPANSIONS, FORMATS, PARTS_ON, PROFILES, USUAL, WAYS_ON
from lib_kohaku.ui.precision.pieces import COLUMNS, checkbox, dropdown, hint, html, line, radio


@dataclass(frozen=True)
class ConvertPart:
    """A checkpoint to fp8, or back."""

    source: gr.Dropdown
    target: gr.Dropdown
    details: gr.Column
    parts: gr.Radio
    fmt: gr.Dropdown
    protect: gr.Checkbox
    output: gr.Textbox
    overwrite: gr.Checkbox
    convert: gr.Button
    memory: gr.HTML


@dataclass(frozen=True)
class MeasurePart:
    """What fp8 costs a checkpoint."""

    source: gr.Dropdown
    original: gr.Dropdown
    way: gr.Dropdown
    measure: gr.Button


@dataclass(frozen=True)
class ImportPart:
    """A checkpoint out of a zip."""

    note: gr.HTML
    archive: gr.Dropdown
    entries: gr.HTML
    entry: gr.Dropdown
    output: gr.Textbox
    overwrite: gr.Checkbox
    unpack: gr.Button


def build_convert() -> ConvertPart:
    """Inside the current block."""
    hint(texts.CONVERT)
    with gr.Row(elem_classes=COLUMNS):
        with gr.Column():
            source = dropdown("Checkpoint", "precision_source", [])
            targets = [*PROFILES, *EXPANSIONS]
            target = dropdown("For", "precision_profile", targets, targets[0])
            with gr.Column(elem_id=element_id("precision_details")) as details:
                parts = radio("Held in 8 bits", "precision_file_parts", list(PARTS_ON), next(iter(PARTS_ON)))
                with gr.Accordion("Format and protection", open=False, elem_id=element_id("precision_file_options")):
                    formats = list(FORMATS)
                    fmt = dropdown("8-bit format of the file", "precision_file_format", formats, formats[0])
                    protect = checkbox("Protect weak weights", "precision_protect")
                    hint(texts.PROTECT)
            output = line("Name of the new file", "precision_output")
            overwrite = checkbox("Overwrite it", "precision_overwrite")
            convert = button("Convert", "precision_convert", variant="primary")
        with gr.Column():
            memory = html("precision_file_predicted")
            hint(texts.SCALED_ELSEWHERE)
    return ConvertPart(source, target, details, parts, fmt, protect, output, overwrite, convert, memory)


def build_measure() -> MeasurePart:
    """Inside the current block."""
    hint(texts.MEASURE)
    with gr.Row(elem_classes=["kohaku-form-row"]):
        source = dropdown("Checkpoint to measure", "precision_report_of", [])
        way = dropdown("As if held as", "precision_report_choice", WAYS_ON, USUAL.text)
        original = dropdown("Original of an fp8 checkpoint", "precision_original", [])
    hint(texts.MEASURE_ORIGINAL)
    with gr.Row(elem_classes=["kohaku-form-row"]):
        measure = button("Measure every weight", "precision_measure", variant="primary")
    return MeasurePart(source, original, way, measure)


def build_import() -> ImportPart:
    """Inside the current block."""
    hint(texts.IMPORT)
    note = html("precision_zip_note")
    with gr.Row(elem_classes=COLUMNS):
        with gr.Column():
            archive = dropdown("Zip beside your checkpoints", "precision_zip", [])
            entry = dropdown("Which file of it", "precision_zip_entry", [], visible=False)
            output = line("Name of the imported file", "precision_zip_output")
            overwrite = checkbox("Replace the file", "precision_replace")
            unpack = button("Import", "precision_import", variant="primary")
        with gr.Column():
            entries = html("precision_zip_entries")
    return ImportPart(note, archive, entries, entry, output, overwrite, unpack)
