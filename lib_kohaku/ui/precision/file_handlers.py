"""Files: lists, predictions, and what a form means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gradio as gr

from lib_kohaku.app.jobs import Job
from lib_kohaku.app.precision import PrecisionWorkbench
from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.choice import Fp8Choice
from lib_kohaku.fp8.files.archive import ArchiveEntry
from lib_kohaku.fp8.files.plan import Profile
from lib_kohaku.ui.markup import Markup, div, span, tag
from lib_kohaku.ui.merge.errors import shows_errors
from lib_kohaku.ui.precision.choices import EXPANSIONS, FORMATS, PARTS_ON, PROFILES, value_of
from lib_kohaku.ui.precision.memory_html import after, before, memory_html
from lib_kohaku.ui.precision.texts import NO_ZIP
from lib_kohaku.units import format_bytes

_SHOWN_ENTRIES = 50
_EXPANDED = {"F16": "fp16", "BF16": "bf16", "F32": "fp32"}
_FORM = re.compile(r"-(fp8-(e4m3fn|e5m2)(-(comfyui|plain))?|fp16|bf16|fp32)$")

# A profile and what it holds in 8 bits, or the type of an expansion.
Conversion = tuple[Profile, Fp8Choice] | str


class FileHandlers:
    """Names come from browsers; the workbench looks them up."""

    def __init__(self, workbench: PrecisionWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench

    def lists(self) -> list[Any]:
        """Nothing -> three lists of checkpoints, the list of zips, a word about them."""

        @shows_errors(note_at=4, outputs=5)
        def read() -> list[Any]:
            names, zips = self._workbench.host.library().names, self._workbench.zips()
            each = [gr.update(choices=names) for _ in range(2)]
            hint = Markup("") if zips else div("kohaku-hint", NO_ZIP)
            return [*each, gr.update(choices=["", *names]), gr.update(choices=zips), hint]

        return read()  # type: ignore[no-any-return]

    def predict(self, name: Any, target: Any, parts: Any, fmt: Any) -> list[Any]:
        """Checkpoint, profile, parts, format -> bytes of the file, whether parts and format matter, name."""
        details = gr.update(visible=str(target) not in EXPANSIONS)

        @shows_errors(note_at=0, outputs=3)
        def show() -> list[Any]:
            if not name:
                return [Markup(""), details, gr.update(placeholder="")]
            wanted = _wanted(target, parts, fmt)
            placeholder = gr.update(placeholder=_name(self._workbench.find(str(name)), wanted))
            return [self._memory(str(name), wanted), details, placeholder]

        memory, _, placeholder = show()
        return [memory, details, placeholder]

    def _memory(self, name: str, wanted: Conversion) -> Markup:
        if isinstance(wanted, str):
            table = self._workbench.predicted_expansion(name, wanted)
        else:
            table = self._workbench.predicted(name, *wanted)
        return memory_html([before(table, "This file"), after(table, "Predicted")])

    def start_convert(self, *values: Any) -> Job:
        """Start what the form says: checkpoint, profile, parts, format, name of the result, overwrite, protect.

        Raises:
            KohakuError: If something in it cannot be.
        """
        name, target, parts, fmt, output, overwrite, protect = values
        source, wanted = self._workbench.find(str(name or "")), _wanted(target, parts, fmt)
        written = str(output or "").strip() or _name(source, wanted)
        if isinstance(wanted, str):
            return self._workbench.start_expand(str(name), written, wanted, overwrite=bool(overwrite))
        profile, choice = wanted
        return self._workbench.start_convert(
            str(name), written, profile, choice, overwrite=bool(overwrite), protect=bool(protect)
        )

    def look_into(self, archive: Any) -> list[Any]:
        """Zip -> what is in it, which file to take, what it will be called."""
        nothing = gr.update(choices=[], value=None, visible=False)

        @shows_errors(note_at=0, outputs=3)
        def show() -> list[Any]:
            if not archive:
                return [Markup(""), nothing, gr.update(placeholder="")]
            entries = self._workbench.entries(str(archive))
            if not entries:
                raise RefusedError(f"There is no safetensors file in {str(archive)[:100]}.")
            several = len(entries) > 1
            choices = gr.update(choices=[entry.path for entry in entries], value=None, visible=several)
            name = "" if several else entries[0].name.removesuffix(".safetensors")
            return [_entries_html(entries), choices, gr.update(placeholder=name)]

        return show()  # type: ignore[no-any-return]


def _wanted(target: Any, parts: Any, fmt: Any) -> Conversion:
    if str(target) in EXPANSIONS:
        return value_of(EXPANSIONS, target)
    profile = value_of(PROFILES, target)
    return profile, Fp8Choice(value_of(PARTS_ON, parts), value_of(FORMATS, fmt), profile is not Profile.PLAIN)


def _name(source: Path, wanted: Conversion) -> str:
    """A name for the new file; one that names a form already gets the new one instead."""
    stem = _FORM.sub("", source.stem)
    if isinstance(wanted, str):
        return f"{stem}-{_EXPANDED[wanted]}"
    profile, choice = wanted
    ending = "" if profile is Profile.WEBUI else f"-{profile.value}"
    return f"{stem}-fp8-{choice.fmt.name}{ending}"


def _entries_html(entries: tuple[ArchiveEntry, ...]) -> Markup:
    """Names inside a zip are anybody's; they are shown, escaped, and used for nothing."""
    head = tag("tr", *(tag("th", text) for text in ("File in the zip", "Packed", "Unpacked")))
    rows = [
        tag(
            "tr",
            tag("td", span("kohaku-mono", entry.path[:200])),
            tag("td", format_bytes(entry.packed), class_="kohaku-number"),
            tag("td", format_bytes(entry.size), class_="kohaku-number"),
        )
        for entry in entries[:_SHOWN_ENTRIES]
    ]
    return div("kohaku-scroll", tag("table", tag("thead", head), tag("tbody", *rows), class_="kohaku-table"))
