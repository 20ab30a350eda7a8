"""How long it takes to find tags, against the goals and against a plain scan.

    python -m benchmarks.tag_search FOLDER-OR-CSV      (default: $KOHAKU_TEST_DATA, else ../shared/data)

Prints building, loading from the cache and four kinds of look-ups, beside the way tagcomplete searches (a regular
expression tried on every name and alias, then a full sort) in the same process; in JavaScript that scan takes
14 to 19 ms, in Python more. "completion" is all that one key on the prompt page costs the server: reading a prompt of a
hundred tags, finding what is typed at its end, escaping the answers. The worst look-up is Python's collector walking
the list that the scan needs. Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lib_kohaku.app.prompt.completion import complete
from lib_kohaku.app.prompt.tag_shelf import Shelf
from lib_kohaku.prompt.format.from_index import IndexLookup
from lib_kohaku.prompt.format.from_profile import order_spec
from lib_kohaku.prompt.profiles.loader import DEFAULT_PROFILE, load_profiles
from lib_kohaku.prompt.syntax import POSITIVE
from lib_kohaku.prompt.tags.csv_reader import read_tag_list
from lib_kohaku.prompt.tags.library import load_library
from lib_kohaku.prompt.tags.model import Tag
from lib_kohaku.prompt.tags.ranking import rank
from lib_kohaku.prompt.tags.search import TagSearch
from lib_kohaku.prompt.tags.sources import source_of

GOALS_MS = {"build": 2000.0, "restart": 100.0, "prefix": 5.0, "typo": 20.0}
SCANS = 100
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that something takes."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def prefixes(tags: Sequence[Tag], chance: random.Random, number: int) -> list[str]:
    """What is typed on the way to a tag: one to eight letters, of frequent tags as often as of rare ones."""
    frequent = tags[: len(tags) // 20]
    names = [chance.choice(frequent if chance.random() < 0.5 else tags).name for _ in range(number)]
    return [name[: chance.randint(1, 8)] for name in names]


def misspelt(name: str, chance: random.Random) -> str:
    """A name with one letter dropped, doubled, replaced or swapped with its neighbour."""
    place = chance.randrange(len(name) - 1)
    before, letter, after = name[:place], name[place], name[place + 1 :]
    return chance.choice(
        [
            before + after,
            before + letter * 2 + after,
            before + chance.choice(LETTERS) + after,
            before + after[0] + letter + after[1:],
        ]
    )


def plain_scan(tags: Sequence[Tag], query: str, limit: int = 20) -> list[Tag]:
    """The way of tagcomplete: a regular expression on all names and aliases, then sort all hits."""
    pattern = re.compile(f"(^|[^a-zA-Z]){re.escape(query)}")
    hits = [tag for tag in tags if pattern.search(tag.name) or any(map(pattern.search, tag.aliases))]
    hits.sort(key=lambda tag: -tag.posts)
    return hits[:limit]


def spread(times: Sequence[float]) -> tuple[float, ...]:
    """Median, 90th and 99th percentile, and maximum."""
    ordered = sorted(times)
    places = (0.5, 0.9, 0.99)
    return (*(ordered[min(len(ordered) - 1, int(len(ordered) * place))] for place in places), ordered[-1])


def completing(search: TagSearch, typed: Sequence[str]) -> list[float]:
    """Milliseconds of completing each text at the end of a prompt of a hundred tags."""
    profiles = load_profiles().profiles
    spec = order_spec(next(profile for profile in profiles if profile.id == DEFAULT_PROFILE), profiles)
    shelf = Shelf(search, IndexLookup(search, None, complete=True), ("list",))
    head = "".join(f"{search.index.tag(number).name.replace('_', ' ')}, " for number in range(100)).replace("(", "\\(")
    prompts = [head + text for text in typed]
    return [timed(lambda text=text: complete(text, len(text), spec, shelf, POSITIVE)) for text in prompts]


def measure_starts(path: Path) -> tuple[float, float, TagSearch]:
    """Building and storing, then loading, in milliseconds (best of three), and a search over it."""
    builds, restarts = [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as cache:
            builds.append(timed(lambda cache=cache: load_library([source_of(path)], (), Path(cache))))
            restarts.append(timed(lambda cache=cache: load_library([source_of(path)], (), Path(cache))))
            index = load_library([source_of(path)], (), Path(cache)).index
    return min(builds), min(restarts), TagSearch(index, rank(index))


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and say whether the goals are met."""
    given = Path(arguments[0] if arguments else os.environ.get("KOHAKU_TEST_DATA", "../shared/data"))
    path = given / "danbooru.csv" if given.is_dir() else given
    build, restart, search = measure_starts(path)
    tags = read_tag_list(path).tags
    chance = random.Random(20240127)
    typed = prefixes(tags, chance, 2000)
    long_names = [tag.name for tag in tags[:20_000] if len(tag.name) >= 5]
    meant = [chance.choice(long_names) for _ in range(1000)]
    typos = [misspelt(name, chance) for name in meant]
    rows = {
        "prefix": [timed(lambda query=query: search.complete(query)) for query in typed],
        "typo": [timed(lambda query=query: search.suggest(query)) for query in typos],
        "search": [timed(lambda query=query: search.search(query)) for query in typed],
        "completion": completing(search, typed[:500]),
        "plain scan": [timed(lambda query=query: plain_scan(tags, query)) for query in typed[:SCANS]],
    }
    found = sum(name in [hit.tag.name for hit in search.search(typo)] for name, typo in zip(meant, typos, strict=True))
    print(f"{path.name}: {len(tags):,} tags; every number in ms")
    print(f"{'build and store':<16}{build:>9.0f}   goal < {GOALS_MS['build']:.0f}")
    print(f"{'restart':<16}{restart:>9.1f}   goal < {GOALS_MS['restart']:.0f}")
    print(f"{'':<16}{'median':>9}{'90 %':>9}{'99 %':>9}{'worst':>9}")
    for name, times in rows.items():
        goal = f"   goal for 99 % < {GOALS_MS[name]:.0f}" if name in GOALS_MS else ""
        print(f"{name:<16}" + "".join(f"{value:>9.3f}" for value in spread(times)) + goal)
    ratio = spread(rows["plain scan"])[0] / spread(rows["prefix"])[0]
    print(f"a plain scan takes {ratio:,.0f} times as long as a prefix look-up (medians)")
    print(f"{found} of {len(typos)} typos led to the tag")
    reached = {
        "build": build,
        "restart": restart,
        "prefix": spread(rows["prefix"])[2],
        "typo": spread(rows["typo"])[2],
    }
    missed = [name for name, goal in GOALS_MS.items() if reached[name] >= goal]
    print(f"missed: {', '.join(missed)}" if missed else "all goals met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
