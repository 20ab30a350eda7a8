"""The checkpoints that names can mean: folders that are searched, and exact names only.

A typo must never silently pick another model, so nothing here matches by part of a name; suggestions are for error
messages.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from lib_kohaku.checkpoint.source import SUFFIXES
from lib_kohaku.errors import CheckpointError

MAX_FILES = 100_000
# What people and download pages hang behind a checkpoint's name without meaning another model.
_VARIANT = re.compile(r"(fp16|fp32|bf16|full|pruned|noema|emaonly|ema|bakedvae|vae|v\d+)$")
_WORDS = re.compile(r"[^\W_]+")


class ModelLibrary:
    """Checkpoint files by name.

    A file ``sub/Name.safetensors`` answers to ``sub/Name.safetensors``, ``sub/Name``, ``Name.safetensors`` and
    ``Name``, in any case of letters where that is unambiguous.
    """

    def __init__(self, roots: Iterable[Path], vaes: Iterable[Path] = ()) -> None:
        """List the checkpoints under ``roots``, following links, hidden files left out.

        Args:
            roots: Folders of checkpoints.
            vaes: Files that hold a VAE alone. Names can mean them if they mean no checkpoint.

        Raises:
            CheckpointError: If a root is not a folder.
        """
        self.roots = tuple(roots)
        self._files: dict[str, Path] = {}
        for root in self.roots:
            if not root.is_dir():
                raise CheckpointError(f"{root}: there is no such folder.")
            for path in _walk(root):
                self._files.setdefault(path.relative_to(root).as_posix(), path)
        listed = set(self._files.values())
        self._vaes = {path.name: path for path in vaes if path not in listed and path.name not in self._files}

    @property
    def names(self) -> list[str]:
        """Relative names of all files, sorted."""
        return sorted(self._files, key=str.lower)

    @property
    def files(self) -> Mapping[str, Path]:
        """Paths by relative name."""
        return self._files

    @property
    def vaes(self) -> Mapping[str, Path]:
        """Paths by name of the files that hold a VAE alone."""
        return self._vaes

    @property
    def everything(self) -> Mapping[str, Path]:
        """Checkpoints and VAEs by the names that :meth:`find` knows."""
        return {**self._files, **self._vaes}

    def find(self, name: str) -> Path | None:
        """The file that a name means, None if there is none.

        Raises:
            CheckpointError: If several files answer to it equally well.
        """
        wanted = name.replace("\\", "/")
        if wanted in self._files:  # the full name of one is also the last part of others
            return self._files[wanted]
        matches = self.namesakes(wanted)
        if len(matches) > 1:
            listed = ", ".join(matches)
            raise CheckpointError(f"Several checkpoints are called {name!r}: {listed}. Give one of these names.")
        return self.everything[matches[0]] if matches else None

    def namesakes(self, name: str) -> list[str]:
        """Relative names of the files that answer to a name equally well, sorted; if any, those of its very letters."""
        wanted = name.replace("\\", "/")
        for files in (self._files, self._vaes):
            for fold in (str, str.lower):
                matches = [relative for relative in files if fold(wanted) in _answers(fold(relative))]
                if matches:
                    return sorted(matches)
        return []

    def find_known_as(self, names: Iterable[str]) -> Path | None:
        """The file that bears one of a model's usual names, the first name first; None if there is none.

        Only letters and digits count, in any case, and endings such as ``-fp16``, ``_v30`` or ``pruned`` are left out:
        ``Animagine-XL-3.0_fp16`` is known as ``animagine xl 3.0``, and ``animagine-xl-3.0-base`` is not.

        Raises:
            CheckpointError: If several files bear the same one.
        """
        for wanted in filter(None, map(_reduced, names)):
            matches = [relative for relative, plain in self._plain_names.items() if wanted in plain]
            exact = [relative for relative in matches if _reduced(_stem(relative)) == wanted]
            found = exact if len(exact) == 1 else matches
            if len(found) > 1:
                raise CheckpointError(f"Several checkpoints may be meant: {', '.join(sorted(found))}.")
            if found:
                return self._files[found[0]]
        return None

    @cached_property
    def _plain_names(self) -> dict[str, set[str]]:
        return {relative: _plain_names(relative) for relative in self._files}

    def suggest(self, name: str) -> list[str]:
        """Up to three names that look like ``name``, the likeliest first: with it as a word, then similar ones."""
        stems = {Path(relative).stem: relative for relative in self.everything}
        lowered = {stem.lower(): stem for stem in stems}
        wanted = name.lower()
        with_word = sorted((stem for stem in lowered if wanted in _WORDS.findall(stem)), key=len)
        close = difflib.get_close_matches(wanted, lowered, n=3, cutoff=0.5)
        return [lowered[match] for match in dict.fromkeys((*with_word, *close))][:3]


def _stem(relative: str) -> str:
    return relative.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _reduced(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _plain_names(relative: str) -> set[str]:
    """The reduced name of a file, with and without what hangs behind it."""
    name = _reduced(_stem(relative))
    names = {name}
    while shorter := _VARIANT.sub("", name):
        if shorter == name:
            break
        names.add(name := shorter)
    return names


def _answers(relative: str) -> set[str]:
    stem = relative.rsplit(".", 1)[0]
    return {relative, stem, relative.rsplit("/", 1)[-1], stem.rsplit("/", 1)[-1]}


def _walk(root: Path) -> Iterable[Path]:
    found = 0
    seen: set[str] = set()  # links may lead back up
    for folder, folders, names in os.walk(root, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                found += 1
                if found > MAX_FILES:
                    raise CheckpointError(f"{root}: more than {MAX_FILES} checkpoints; give a smaller folder.")
                yield Path(folder) / name
