"""The user's presets in a folder, a JSON file each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.errors import FailedError, KohakuError, OutputExistsError, RefusedError
from lib_kohaku.prompt.files import each_that_works, safe_stem
from lib_kohaku.prompt.presets.codec import MOST_PRESETS, encode_preset, read_preset
from lib_kohaku.prompt.presets.model import Preset

_LARGEST_THUMBNAIL = 4 * 1024 * 1024
_PICTURES = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}


@dataclass(frozen=True)
class PresetList:
    """Presets by name, and the files that could not be used, one message each."""

    presets: tuple[Preset, ...]
    problems: tuple[str, ...]


class PresetStore:
    """Presets in ``folder``, which is made when the first one is saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> PresetList:
        """All presets, by name. A file that cannot be used is reported; the others load."""
        presets, problems = each_that_works(read_preset, self._files()[:MOST_PRESETS])
        return PresetList(tuple(sorted(presets, key=lambda preset: preset.name.casefold())), tuple(problems))

    def get(self, name: str) -> Preset:
        """The preset with a name.

        Raises:
            RefusedError: If there is none of that name.
            DataFileError: If its file cannot be used.
        """
        return self._held(name)[1]

    def save(self, preset: Preset, *, overwrite: bool = False) -> Path:
        """Save a preset under its name.

        Returns:
            Its file.

        Raises:
            OutputExistsError: If there is a preset of that name and ``overwrite`` is false, or one of another name
                that needs the same file.
            RefusedError: If the preset breaks a rule, or nothing of its name can stand in a file name.
            FailedError: If the disk refuses.
        """
        content = encode_preset(preset)
        path = self._path(preset.name)
        if path.exists():
            self._check_may_replace(path, preset.name, overwrite)
        write_file_atomically(path, content, overwrite=overwrite)
        return path

    def rename(self, name: str, new_name: str) -> Preset:
        """Give a preset another name; its thumbnail stays.

        Raises:
            RefusedError: If there is no such preset or the new name is taken or cannot be used.
            FailedError: If the disk refuses.
        """
        path, preset = self._held(name)
        renamed = replace(preset, name=new_name)
        target = self._path(new_name)
        if target.exists() and target.samefile(path):  # only the writing changed: "rain" to "Rain"
            write_file_atomically(path, encode_preset(renamed), overwrite=True)
        else:
            self.save(renamed)
            self._remove(path)
        return renamed

    def delete(self, name: str) -> None:
        """Delete a preset and its thumbnail.

        Raises:
            RefusedError: If there is none of that name.
            FailedError: If the disk refuses.
        """
        path, preset = self._held(name)
        self._remove(path)
        self._drop_thumbnail(preset)

    def set_thumbnail(self, name: str, picture: bytes) -> Preset:
        """Store a picture for a preset.

        Args:
            name: The preset.
            picture: A PNG, JPEG or WebP file of at most 4 MB.

        Raises:
            RefusedError: If there is no such preset, or it is no such picture.
            FailedError: If the disk refuses.
        """
        path, preset = self._held(name)
        thumbnail = self._free_thumbnail(path.stem, _picture_suffix(picture), preset)
        write_file_atomically(self.folder / thumbnail, picture, overwrite=True)
        changed = replace(preset, thumbnail=thumbnail)
        write_file_atomically(path, encode_preset(changed), overwrite=True)
        if preset.thumbnail != thumbnail:
            self._drop_thumbnail(preset)
        return changed

    def remove_thumbnail(self, name: str) -> Preset:
        """Take a preset's picture away.

        Raises:
            RefusedError: If there is no such preset.
            FailedError: If the disk refuses.
        """
        path, preset = self._held(name)
        changed = replace(preset, thumbnail="")
        write_file_atomically(path, encode_preset(changed), overwrite=True)
        self._drop_thumbnail(preset)
        return changed

    def thumbnail_path(self, preset: Preset) -> Path | None:
        """The file of a preset's thumbnail, or None if it has none."""
        path = self.folder / preset.thumbnail
        return path if preset.thumbnail and path.is_file() and not path.is_symlink() else None

    def import_all(self, presets: Iterable[Preset], *, overwrite: bool = False) -> PresetList:
        """Save presets from outside, without any claim to thumbnails.

        Returns:
            Those that were saved, and why the others were not.
        """

        def take(preset: Preset) -> Preset:
            self.save(replace(preset, thumbnail=""), overwrite=overwrite)
            return preset

        saved, problems = each_that_works(take, presets)
        return PresetList(tuple(saved), tuple(problems))

    def _files(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        try:
            return sorted(path for path in self.folder.glob("*.json") if not path.name.startswith("."))
        except OSError as error:
            raise FailedError(f"The presets' folder cannot be read ({error.strerror or error}).") from error

    def _path(self, name: str) -> Path:
        return self.folder / f"{safe_stem(name)}.json"

    def _held(self, name: str) -> tuple[Path, Preset]:
        """The file of a preset. Usually the one of its name, but people rename files by hand."""
        for path in dict.fromkeys([self._path(name), *self._files()]):
            if not path.is_file():
                continue
            with contextlib.suppress(KohakuError):
                preset = read_preset(path)
                if preset.name == name:
                    return path, preset
        raise RefusedError(f"There is no preset {name[:80]!r}.")

    def _free_thumbnail(self, stem: str, suffix: str, preset: Preset) -> str:
        """A name for a preset's picture that no other preset uses: a renamed preset keeps the one of its old name."""
        taken = {other.thumbnail.casefold() for other in self.all().presets if other.name != preset.name}
        names = (f"{stem}{number}{suffix}" for number in ("", *(f" {n}" for n in range(2, len(taken) + 3))))
        return next(name for name in names if name.casefold() not in taken)

    def _drop_thumbnail(self, preset: Preset) -> None:
        """Delete a picture that its preset no longer shows, unless another one does."""
        if preset.thumbnail and all(other.thumbnail != preset.thumbnail for other in self.all().presets):
            with contextlib.suppress(KohakuError):  # a picture left behind does no harm
                self._remove(self.folder / preset.thumbnail)

    def _check_may_replace(self, path: Path, name: str, overwrite: bool) -> None:
        try:
            held = read_preset(path).name
        except KohakuError as error:
            raise OutputExistsError(
                f"{path.name} is there already and is not a preset; choose another name."
            ) from error
        if held != name:
            raise OutputExistsError(f"The preset {held!r} has the same file name, {path.name}; choose another name.")
        if not overwrite:
            raise OutputExistsError(f"There is a preset {name!r} already. Choose another name, or allow overwriting.")

    def _remove(self, path: Path) -> None:
        try:
            path.unlink()
        except OSError as error:
            raise FailedError(f"{path.name} could not be deleted ({error.strerror or error}).") from error


def search_presets(presets: Iterable[Preset], query: str) -> tuple[Preset, ...]:
    """The presets that hold every word of the query in name, description, profile or prompt, in the given order."""
    words = query.casefold().split()
    found = []
    for preset in presets:
        text = "\n".join((preset.name, preset.description, preset.profile, *preset.parts.items())).casefold()
        if all(word in text for word in words):
            found.append(preset)
    return tuple(found)


@lru_cache(maxsize=1)
def starter_presets() -> tuple[Preset, ...]:
    """The presets that come with the extension, by file name."""
    return tuple(read_preset(path) for path in sorted((Path(__file__).parent / "starter").glob("*.json")))


def _picture_suffix(picture: bytes) -> str:
    if len(picture) > _LARGEST_THUMBNAIL:
        raise RefusedError(f"A thumbnail may have at most {_LARGEST_THUMBNAIL:,} bytes, not {len(picture):,}.")
    for magic, suffix in _PICTURES.items():
        if picture.startswith(magic):
            return suffix
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return ".webp"
    raise RefusedError("A thumbnail has to be a PNG, JPEG or WebP picture.")
