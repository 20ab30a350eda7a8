"""Loading profiles: the built-in ones and the user's own files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.files import DataFileError, each_that_works
from lib_kohaku.prompt.profiles.decode import decode_profile
from lib_kohaku.prompt.profiles.model import Profile
from lib_kohaku.prompt.schema import SchemaError, load_schema, read_checked

_HERE = Path(__file__).parent
_LARGEST_FILE = 256 * 1024
_MOST_FILES = 500
DEFAULT_PROFILE = "kohaku-xl-gamma"


@dataclass(frozen=True)
class ProfileSet:
    """Profiles by id.

    Attributes:
        profiles: Sorted by name; ids differ.
        problems: Files that could not be used, one message each.
    """

    profiles: tuple[Profile, ...]
    problems: tuple[str, ...] = ()

    def get(self, profile_id: str) -> Profile:
        """The profile with an id.

        Raises:
            RefusedError: If there is none; the text names those that there are.
        """
        for profile in self.profiles:
            if profile.id == profile_id:
                return profile
        known = ", ".join(sorted(profile.id for profile in self.profiles))
        raise RefusedError(f"There is no profile {profile_id[:60]!r}. Known are: {known}.")


def read_profile(path: Path) -> Profile:
    """Read one profile file.

    Raises:
        DataFileError: Naming the file and the place in it, if it does not follow ``profile.schema.json``.
    """
    try:
        return decode_profile(read_checked(path, load_schema(_HERE / "profile.schema.json"), _LARGEST_FILE))
    except SchemaError as error:
        raise DataFileError(path, str(error)) from error


def load_profiles(own_folder: Path | None = None) -> ProfileSet:
    """The built-in profiles and those in a folder; a file of the user's with a built-in id replaces that one.

    A file that cannot be used is reported in ``problems``; the others load.

    Args:
        own_folder: ``<data>/kohaku/profiles`` or the like; need not exist.
    """
    profiles = {profile.id: profile for profile in _builtin()}
    found: list[str] = []
    read, problems = each_that_works(lambda path: (path, read_profile(path)), _files(own_folder, found))
    problems += found
    own: dict[str, str] = {}
    for path, profile in read:
        if profile.id in own:
            problems.append(f"{path.name}: has the same id as {own[profile.id]}, which is used")
        else:
            own[profile.id] = path.name
            profiles[profile.id] = profile
    return ProfileSet(_by_name(profiles.values()), tuple(problems))


@lru_cache(maxsize=1)
def _builtin() -> tuple[Profile, ...]:
    return tuple(read_profile(path) for path in sorted((_HERE / "data").glob("*.json")))


def _by_name(profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    return tuple(sorted(profiles, key=lambda profile: profile.name))


def _files(folder: Path | None, problems: list[str]) -> list[Path]:
    if folder is None or not folder.is_dir():
        return []
    try:
        found = sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    except OSError as error:
        problems.append(f"{folder.name}: the folder cannot be read ({error.strerror or error})")
        return []
    if len(found) > _MOST_FILES:
        problems.append(f"{folder.name}: {len(found):,} files; only the first {_MOST_FILES} are used")
    return found[:_MOST_FILES]
