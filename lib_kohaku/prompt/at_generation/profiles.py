"""Profiles by what lists show and people write."""

from __future__ import annotations

from collections.abc import Sequence

from lib_kohaku.prompt.format import tag_key
from lib_kohaku.prompt.profiles.model import Profile


def profile_label(profile: Profile, profiles: Sequence[Profile]) -> str:
    """A profile's name; with its id where another one, of the user's own, has the same name."""
    same = sum(tag_key(profile.name) == tag_key(other.name) for other in profiles)
    return profile.name if same == 1 else f"{profile.name} ({profile.id})"


def find_profile(text: str, profiles: Sequence[Profile]) -> Profile | None:
    """The profile with an id, a label or a name, None if there is none. Capitals do not matter."""
    key = tag_key(text)
    for profile in profiles:
        if key in (profile.id, tag_key(profile_label(profile, profiles))):
            return profile
    return next((profile for profile in profiles if key == tag_key(profile.name)), None)
