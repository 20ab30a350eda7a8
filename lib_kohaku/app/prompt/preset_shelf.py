"""Presets as the page shows them: those that come with the extension, and the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.app.prompt.pictures import thumbnail_of
from lib_kohaku.app.prompt.words import PICKED, present_words
from lib_kohaku.errors import KohakuError, RefusedError
from lib_kohaku.prompt.files import read_bytes
from lib_kohaku.prompt.format import TagClass, elements, tag_key
from lib_kohaku.prompt.format.additions import Addition, addition_edits
from lib_kohaku.prompt.presets.codec import export_presets, import_presets
from lib_kohaku.prompt.presets.model import Preset, PromptParts, preset_text
from lib_kohaku.prompt.presets.store import PresetList, PresetStore, search_presets, starter_presets
from lib_kohaku.prompt.presets.styles_csv import (
    parse_styles,
    presets_of,
    read_styles,
    style_of,
    styles_text,
    write_styles,
)
from lib_kohaku.prompt.syntax import Kind, Leaf, Prompt, apply_edits, leaves, parse

_PART_OF_CLASS = {
    TagClass.COUNT: "counts",
    TagClass.CHARACTER: "characters",
    TagClass.SERIES: "copyrights",
    TagClass.ARTIST: "artists",
    TagClass.PROSE: "natural",
    TagClass.META: "meta",
    TagClass.QUALITY: "quality",
    TagClass.AESTHETIC: "aesthetic",
    TagClass.RATING: "rating",
    TagClass.YEAR: "year",
    TagClass.SOURCE: "source",
    TagClass.NETWORK: "networks",
}
# Where a style of the webui takes the prompt in.
_HOLE = "{prompt}"
_LARGEST_THUMBNAIL = 4 * 1024 * 1024
_WALLS = (Kind.AND, Kind.BREAK, Kind.REGION, Kind.COMMENT, Kind.TRAILING_WEIGHT)


@dataclass(frozen=True)
class Entry:
    """A preset.

    Attributes:
        preset: The preset.
        own: Whether it is the user's own.
        picture: Changes whenever its picture does; empty if it has none.
    """

    preset: Preset
    own: bool
    picture: str = ""


@dataclass(frozen=True)
class PresetView:
    """The presets that fit a search, own ones first, and files that could not be used."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]


class PresetShelf:
    """The presets of one user."""

    def __init__(self, folder: Path) -> None:
        """Keep the user's own in ``folder``."""
        self._store = PresetStore(folder)

    def view(self, query: str = "") -> PresetView:
        """All presets with every word of the query, the user's own first."""
        try:
            own = self._store.all()
        except KohakuError as error:
            own = PresetList((), (str(error),))
        entries = [Entry(preset, True, self._stamp(preset)) for preset in search_presets(own.presets, query)]
        entries += [Entry(preset, False) for preset in search_presets(starter_presets(), query)]
        return PresetView(tuple(entries), own.problems)

    def get(self, name: str, *, own: bool) -> Preset:
        """One preset.

        Raises:
            RefusedError: If there is none of that name.
        """
        if own:
            return self._store.get(name)
        for preset in starter_presets():
            if preset.name == name:
                return preset
        raise RefusedError(f"There is no preset {name[:80]!r}.")

    def save(self, preset: Preset, *, overwrite: bool) -> None:
        """Save a preset of the user's; see :meth:`PresetStore.save`."""
        if overwrite:  # a picture that was given to it stays
            held = next((p for p in self._store.all().presets if p.name == preset.name), None)
            preset = replace(preset, thumbnail=held.thumbnail) if held else preset
        self._store.save(preset, overwrite=overwrite)

    def rename(self, name: str, new_name: str) -> None:
        """Rename one of the user's; see :meth:`PresetStore.rename`."""
        self._store.rename(name, new_name)

    def delete(self, name: str) -> None:
        """Delete one of the user's; see :meth:`PresetStore.delete`."""
        self._store.delete(name)

    def picture(self, name: str) -> bytes:
        """The picture of one of the user's presets.

        Raises:
            RefusedError: If there is none, or its file cannot be used.
        """
        path = self._store.thumbnail_path(self._store.get(name))
        if path is None:
            raise RefusedError(f"The preset {name[:80]!r} has no picture.")
        return read_bytes(path, _LARGEST_THUMBNAIL)

    def set_picture(self, name: str, picture: bytes) -> None:
        """Give one of the user's presets a picture, which is made small first.

        Raises:
            RefusedError: If there is no such preset, or it is no picture.
            FailedError: If the disk refuses.
        """
        self._store.get(name)
        self._store.set_thumbnail(name, thumbnail_of(picture))

    def remove_picture(self, name: str) -> None:
        """Take the picture of one of the user's presets away; see :meth:`PresetStore.remove_thumbnail`."""
        self._store.remove_thumbnail(name)

    def _stamp(self, preset: Preset) -> str:
        path = self._store.thumbnail_path(preset)
        try:
            return str(path.stat().st_mtime_ns) if path else ""
        except OSError:
            return ""

    def import_text(self, text: str) -> PresetList:
        """Take in what :meth:`export_text` or :meth:`export_styles` gave, or any other file of such a kind.

        Presets of names that are taken are refused one by one.

        Raises:
            RefusedError: If the text is neither.
        """
        if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
            return self._store.import_all(import_presets(text))
        try:
            styles = parse_styles(Path("styles.csv"), text.removeprefix("\ufeff"))
        except KohakuError as error:
            raise RefusedError(f"This is no export of presets, and no file of the webui's styles: {error}") from error
        return self._store.import_all(presets_of(styles))

    def export_text(self) -> str:
        """The user's presets as one JSON text."""
        return export_presets(self._store.all().presets)

    def export_styles(self, known: Knowledge) -> str:
        """The user's presets as a styles file of the webui.

        Raises:
            RefusedError: If the webui would not read one back under its name.
        """
        return styles_text(style_of(preset, known.profile) for preset in self._store.all().presets)

    def import_styles(self, styles_file: Path) -> PresetList:
        """Take in the webui's styles.

        Raises:
            RefusedError: If the file is not one of styles.
        """
        return self._store.import_all(presets_of(read_styles(styles_file)))

    def to_style(self, preset: Preset, styles_file: Path, known: Knowledge, *, overwrite: bool = False) -> None:
        """Add a preset to the webui's styles.

        Raises:
            OutputExistsError: If there is a style of that name and ``overwrite`` is false.
            RefusedError: If the host would not read it back under its name.
        """
        write_styles(styles_file, [style_of(preset, known.profile)], overwrite=overwrite)


def preset_prompt(preset: Preset, known: Knowledge, around: str = "") -> str:
    """A preset's prompt in the model's order. One that came from a style with ``{prompt}`` is put around a prompt."""
    return preset_text(preset, known.profile).replace(_HOLE, around)


def merged_prompt(text: str, preset: Preset, known: Knowledge) -> str:
    """A prompt with those parts of a preset that it has not yet, at its end; Format puts them in order.

    A prompt that has a rating of its own gets no other, and so with quality and the like. A preset that came from a
    style with ``{prompt}`` is put around the prompt.
    """
    is_empty = not text.strip(" ,\n")
    if is_empty or any(_HOLE in item for item in preset.parts.items()):
        return preset_prompt(preset, known, "" if is_empty else text)
    present = {_key(item) for item in _items(text, known)}
    decided = {kind for kind in PICKED if present_words(text, kind, known)}
    offered = [piece for item in preset.parts.items() for piece in _pieces(item, text, known)]
    missing = [piece for piece in offered if _key(piece) not in present and _kind(piece, known) not in decided]
    prompt = parse(text, known.dialect)
    return apply_edits(text, addition_edits(prompt, [Addition(item) for item in missing], known.classifier))


def parts_of(text: str, known: Knowledge) -> PromptParts:
    """A prompt by kinds. One with ``AND``, ``BREAK`` or comments stays one piece, since its order means something.

    So does one with a bracket that is never closed: it weighs what comes behind it.
    """
    prompt = parse(text, known.dialect)
    if _is_one_piece(prompt):
        return PromptParts(general=(text,))
    classifier = known.classifier
    found: dict[str, list[str]] = {}
    for element in elements(prompt):
        found.setdefault(_PART_OF_CLASS.get(classifier.element(element), "general"), []).append(element.text)
    return PromptParts(**{name: tuple(items) for name, items in found.items()})


def _is_one_piece(prompt: Prompt) -> bool:
    return any(leaf.kind in _WALLS or _is_unclosed(leaf) for leaf in leaves(prompt.children))


def _is_unclosed(leaf: Leaf) -> bool:
    return leaf.kind is Kind.LOOSE and leaf.text in "(["


def _items(text: str, known: Knowledge) -> Sequence[str]:
    return [element.text for element in elements(parse(text, known.dialect))]


def _pieces(item: str, text: str, known: Knowledge) -> Sequence[str]:
    """What of an item a prompt can have or lack by itself: a style of the webui comes as one item of many tags."""
    if not _is_one_piece(parse(item, known.dialect)):
        return _items(item, known)
    whole = item.strip(" ,\n")
    return [] if whole in text else [whole]


def _kind(item: str, known: Knowledge) -> TagClass | None:
    found = elements(parse(item, known.dialect))
    return known.classifier.element(found[0]) if len(found) == 1 else None


def _key(item: str) -> str:
    """Items are compared as text that was written by us would be."""
    return tag_key(item.replace("\\", ""))
