"""Answers about presets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from lib_kohaku.app.prompt import documents
from lib_kohaku.app.prompt.documents import Document
from lib_kohaku.app.prompt.pictures import LARGEST_PICTURE, as_address
from lib_kohaku.app.prompt.preset_shelf import merged_prompt, parts_of, preset_prompt
from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.errors import KohakuError, RefusedError
from lib_kohaku.prompt.presets.codec import LARGEST_FILE, export_presets
from lib_kohaku.prompt.presets.model import Preset
from lib_kohaku.prompt.presets.store import PresetList
from lib_kohaku.prompt.sizes.legal import Size
from lib_kohaku.ui.prompt.answers_typing import LARGEST_SIDE, knowledge
from lib_kohaku.ui.prompt.request import LONGEST_CHOICE, MOST_CLIP_SKIP, Request


def _list(workbench: PromptWorkbench, request: Request) -> Document:
    view = workbench.presets.view(request.text("query"))
    return {"presets": [documents.preset_card(entry) for entry in view.entries], "problems": list(view.problems)}


def _use(workbench: PromptWorkbench, request: Request) -> Document:
    known = knowledge(workbench, request)
    preset = _named(workbench, request)
    if request.flag("merge"):
        return {"prompt": merged_prompt(request.prompt(), preset, known)}
    return documents.preset_values(preset, preset_prompt(preset, known, request.prompt()))


def _save(workbench: PromptWorkbench, request: Request) -> Document:
    known = knowledge(workbench, request)
    width, height = request.whole("width", 1, LARGEST_SIDE), request.whole("height", 1, LARGEST_SIDE)
    preset = Preset(
        name=" ".join(request.text("name").split()),
        description=request.text("description"),
        parts=parts_of(request.prompt(), known),
        negative=request.prompt("negative"),
        size=Size(width, height) if width and height else None,
        cfg=request.number("cfg", 0, 100),
        steps=request.whole("steps", 1, 10_000),
        sampler=request.text("sampler", LONGEST_CHOICE),
        scheduler=request.text("scheduler", LONGEST_CHOICE),
        clip_skip=request.whole("clip_skip", 1, MOST_CLIP_SKIP),
        hires=request.hires(),
        profile=known.profile.id,
    )
    if not preset.name:
        raise RefusedError("Give the preset a name.")
    workbench.presets.save(preset, overwrite=request.flag("overwrite"))
    return {"message": f"Saved {preset.name}."}


def _rename(workbench: PromptWorkbench, request: Request) -> Document:
    new_name = " ".join(request.text("new_name").split())
    workbench.presets.rename(request.text("name"), new_name)
    return {"message": f"It is called {new_name} now."}


def _delete(workbench: PromptWorkbench, request: Request) -> Document:
    """What was deleted comes back as the text of an export and its picture, so that the page can put it back."""
    preset = workbench.presets.get(request.text("name"), own=True)
    picture = ""
    if preset.thumbnail:
        with contextlib.suppress(KohakuError):  # a picture that cannot be read is no reason to keep a preset
            picture = as_address(workbench.presets.picture(preset.name))
    workbench.presets.delete(preset.name)
    return {"message": f"Deleted {preset.name}.", "deleted": export_presets([preset]), "picture": picture}


def _import(workbench: PromptWorkbench, request: Request) -> Document:
    return _imported(workbench.presets.import_text(request.text("text", LARGEST_FILE)))


def _export(workbench: PromptWorkbench, request: Request) -> Document:
    return {"text": workbench.presets.export_text(), "name": "kohaku-presets.json"}


def _export_styles(workbench: PromptWorkbench, request: Request) -> Document:
    return {"text": workbench.presets.export_styles(knowledge(workbench, request)), "name": "styles.csv"}


def _picture(workbench: PromptWorkbench, request: Request) -> Document:
    return {"picture": as_address(workbench.presets.picture(request.text("name")))}


def _set_picture(workbench: PromptWorkbench, request: Request) -> Document:
    name = request.text("name")
    workbench.presets.set_picture(name, request.file("file", LARGEST_PICTURE))
    return {"message": f"{name} has a picture now."}


def _remove_picture(workbench: PromptWorkbench, request: Request) -> Document:
    name = request.text("name")
    workbench.presets.remove_picture(name)
    return {"message": f"{name} has no picture any more."}


def _import_styles(workbench: PromptWorkbench, request: Request) -> Document:
    return _imported(workbench.presets.import_styles(workbench.styles_file))


def _to_style(workbench: PromptWorkbench, request: Request) -> Document:
    preset = _named(workbench, request)
    workbench.preset_to_style(preset, knowledge(workbench, request), overwrite=request.flag("overwrite"))
    return {"message": f"{preset.name} is one of the webui's styles now; refresh its list to see it."}


def _named(workbench: PromptWorkbench, request: Request) -> Preset:
    return workbench.presets.get(request.text("name"), own=request.flag("own"))


def _imported(found: PresetList) -> Document:
    count = len(found.presets)
    return {"message": f"{count} preset{'' if count == 1 else 's'} taken in.", "problems": list(found.problems)}


PRESETS: Mapping[str, Callable[[PromptWorkbench, Request], Document]] = {
    "presets": _list,
    "use_preset": _use,
    "save_preset": _save,
    "rename_preset": _rename,
    "delete_preset": _delete,
    "import_presets": _import,
    "export_presets": _export,
    "preset_picture": _picture,
    "set_preset_picture": _set_picture,
    "remove_preset_picture": _remove_picture,
    "export_styles": _export_styles,
    "import_styles": _import_styles,
    "preset_to_style": _to_style,
}
