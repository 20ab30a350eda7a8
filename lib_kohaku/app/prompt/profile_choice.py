"""Which profile belongs to the loaded checkpoint, and why."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from lib_kohaku.checkpoint.header import read_header
from lib_kohaku.errors import KohakuError
from lib_kohaku.host.base import Host, LoadedModel
from lib_kohaku.prompt.profiles.loader import DEFAULT_PROFILE, ProfileSet
from lib_kohaku.prompt.profiles.select import CheckpointFacts, Choice, Confidence, choose_profile

_NOTHING_LOADED = "No checkpoint is loaded here, so choose the model that you make images with."


class ProfileChooser:
    """Looks at the loaded checkpoint without loading or hashing anything. Safe to call from several threads."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._read: tuple[tuple[Path, int], Mapping[str, str]] | None = None

    def choose(self, profiles: ProfileSet) -> Choice:
        """The profile of the loaded checkpoint; the default one, as a guess, if nothing tells."""
        model = self._host.loaded_model()
        if model is None:
            return Choice(profiles.get(DEFAULT_PROFILE), Confidence.NONE, _NOTHING_LOADED)
        choice = choose_profile(profiles.profiles, self._facts(model))
        if choice.profile is not None:
            return choice
        return Choice(profiles.get(DEFAULT_PROFILE), Confidence.NONE, f"{choice.reason} Choose it yourself.")

    def _facts(self, model: LoadedModel) -> CheckpointFacts:
        if model.path is None:
            return CheckpointFacts(model.name)
        return CheckpointFacts(model.name, self._host.known_sha256(model.path), self._metadata(model.path))

    def _metadata(self, path: Path) -> Mapping[str, str]:
        """The file's metadata, read once: the page asks again and again."""
        try:
            key = (path, path.stat().st_mtime_ns)
            with self._lock:
                if self._read is None or self._read[0] != key:
                    self._read = (key, read_header(path).metadata)
                return self._read[1]
        except (OSError, KohakuError):  # a .ckpt has none; its name has to do
            return {}
