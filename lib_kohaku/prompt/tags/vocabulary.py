"""The words that are known when the user has no tag list: our own, and those of the profiles and presets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from lib_kohaku.prompt.tags.model import Category, Tag, normalise

_FILE = Path(__file__).parent / "data" / "vocabulary.json"
_PLAIN_TAG = re.compile(r"[\w+:'.!?/-]+(_\([\w.:'-]+\))?")


def count_tags() -> tuple[str, ...]:
    """The tags that say who is in the picture, such as ``1girl``; HakuBooru's 22."""
    return tuple(json.loads(_FILE.read_text(encoding="utf-8"))["counts"])


def builtin_vocabulary(profile_words: Iterable[str] = (), preset_items: Iterable[str] = ()) -> tuple[Tag, ...]:
    """The built-in words as tags. Their post counts are not known to us and stay 0.

    Args:
        profile_words: The profiles' own words: quality, aesthetic, rating, year.
        preset_items: Items of presets; those that are more than a plain tag (weights, networks) are left out.
    """
    words = json.loads(_FILE.read_text(encoding="utf-8"))
    tags = {
        name: Tag(name, Category.META if kind == "meta" else Category.GENERAL)
        for kind, names in words.items()
        for name in names
    }
    for word in map(normalise, profile_words):
        tags[word] = (
            tags[word]._replace(profile_word=True) if word in tags else Tag(word, Category.PROFILE, 0, (), True)
        )
    for item in preset_items:
        name = normalise(item.replace("\\(", "(").replace("\\)", ")"))
        if name not in tags and _PLAIN_TAG.fullmatch(name):
            tags[name] = Tag(name)
    return tuple(tags.values())
