"""A small tag list and two model formats, written for the tests."""

from __future__ import annotations

from lib_kohaku.prompt.format import ForeignWord, OrderSpec, TagClass, TagInfo

C = TagClass


class ListedTags:
    """A tag list of a few rows."""

    complete = True

    def __init__(self, tags, aliases, suggestions):
        self.tags = {tag.name: tag for tag in tags}
        self.aliases = aliases
        self.suggestions = suggestions

    def resolve(self, key):
        return self.tags.get(self.aliases.get(key, key))

    def similar(self, key, limit):
        return self.suggestions.get(key, ())[:limit]


TAGS = ListedTags(
    [
        TagInfo("1girl", C.GENERAL, 6008644),
        TagInfo("1boy", C.GENERAL, 1400000),
        TagInfo("solo", C.GENERAL, 5000954),
        TagInfo("long_hair", C.GENERAL, 4000000),
        TagInfo("very_long_hair", C.GENERAL, 800000, implies=("long_hair",)),
        TagInfo("absurdly_long_hair", C.GENERAL, 50000, implies=("very_long_hair",)),
        TagInfo("smile", C.GENERAL, 2700000),
        TagInfo("cat_ears", C.GENERAL, 200000, implies=("animal_ears",)),
        TagInfo("animal_ears", C.GENERAL, 1100000),
        TagInfo(":3", C.GENERAL, 80000),
        TagInfo(":d", C.GENERAL, 549710),
        TagInfo("^_^", C.GENERAL, 90000),
        TagInfo("\\m/", C.GENERAL, 9000),
        TagInfo("(o)_(o)", C.GENERAL, 700),
        TagInfo("old", C.GENERAL, 12650),
        TagInfo("old_woman", C.GENERAL, 3000, implies=("old",)),
        TagInfo("old_man", C.GENERAL, 9000, implies=("old",)),
        TagInfo("saber_(fate)", C.CHARACTER, 40000, implies=("artoria_pendragon_(fate)",)),
        TagInfo("artoria_pendragon_(fate)", C.CHARACTER, 60000),
        TagInfo("fate_(series)", C.SERIES, 300000),
        TagInfo("reverse:1999", C.SERIES, 4000),
        TagInfo("wlop", C.ARTIST, 600),
        TagInfo("ask_(askzy)", C.ARTIST, 1500),
        TagInfo("memories_off#5", C.SERIES, 30),
        TagInfo("htol#niq:_hotaru_no_nikki", C.SERIES, 40),
        TagInfo("absurdres", C.META, 1900000),
        TagInfo("highres", C.META, 5256195),
    ],
    aliases={"sole_female": "1girl", "hires": "highres", "longhair": "long_hair"},
    suggestions={"log_hair": ("long_hair", "very_long_hair"), "smlie": ("smile",)},
)

RATINGS = ("safe", "sensitive", "nsfw", "explicit")
GAMMA = OrderSpec(
    name="Kohaku XL Gamma",
    slots=(
        (C.COUNT,),
        (C.CHARACTER,),
        (C.SERIES,),
        (C.ARTIST,),
        (C.GENERAL, C.META, C.PROSE),
        (C.YEAR,),
        (C.RATING,),
        (C.QUALITY,),
        (C.NETWORK,),
    ),
    words={
        C.QUALITY: (*tuple(f"{w} quality" for w in ("best", "great", "good", "normal", "low", "worst")), "masterpiece"),
        C.RATING: RATINGS,
        C.YEAR: ("newest", "recent", "mid", "early", "old"),
    },
    rating_sets=(frozenset({"explicit", "nsfw"}),),
    foreign_words=(
        ForeignWord("high quality", C.QUALITY, "Animagine XL 3.0", "great quality"),
        ForeignWord("late", C.YEAR, "Animagine XL 3.0", "recent"),
        ForeignWord("oldest", C.YEAR, "Animagine XL 3.1", "old"),
        ForeignWord("score_9", C.QUALITY, "Pony Diffusion V6", "masterpiece"),
        ForeignWord("very aesthetic", C.AESTHETIC, "Animagine XL 3.1"),
    ),
    clear_words={"old": ("old woman", "old man")},
)
PONY = OrderSpec(
    name="Pony",
    slots=((C.QUALITY,), (C.RATING,), (C.COUNT,), (C.GENERAL, C.CHARACTER, C.SERIES, C.ARTIST, C.META)),
    words={C.QUALITY: ("score_9", "score_8_up"), C.RATING: ("rating_safe", "rating_explicit")},
)
ANIMAGINE_4 = OrderSpec(
    name="Animagine XL 4.0",
    slots=((C.COUNT,), (C.CHARACTER,), (C.SERIES,), (C.RATING,), (C.ARTIST, C.GENERAL), (C.YEAR,), (C.QUALITY,)),
    words={C.QUALITY: ("masterpiece", "high score")},
    year_pattern=r"year \d{4}",
)

_CATEGORIES = {"0": C.GENERAL, "1": C.ARTIST, "3": C.SERIES, "4": C.CHARACTER, "5": C.META}


def listed(rows):
    """The big tag list as a lookup, for tests that have it."""
    tags = [TagInfo(name, _CATEGORIES[category], int(count)) for name, category, count, _ in rows]
    return ListedTags(tags, {}, {})
