"""``kohaku tags``: look tags up."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.output import say, say_json, tell
from lib_kohaku.errors import RefusedError

if TYPE_CHECKING:
    from lib_kohaku.prompt.tags.library import TagLibrary

_MOST_HITS = 1000


def _configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    search = actions.add_parser("search", help="find tags by prefix, word, alias or with a slip of the keyboard")
    search.add_argument("query", help="what you would type; blanks or underscores")
    search.add_argument(
        "--tags",
        type=Path,
        action="append",
        metavar="FILE",
        help="tag list (CSV, text) or danbooru2023-sqlite database; may be repeated",
    )
    search.add_argument(
        "--data", type=Path, metavar="DIR", help="webui folder: its kohaku/tags and tagcomplete's lists are used"
    )
    search.add_argument(
        "--cache", type=Path, metavar="DIR", help="keep the built index here, so that the next search starts at once"
    )
    search.add_argument("--limit", type=int, default=20, metavar="N", help="most answers (default 20)")
    search.add_argument("--json", action="store_true", help="print one JSON document")


def _run(arguments: argparse.Namespace) -> int:
    from lib_kohaku.prompt.tags.ranking import rank
    from lib_kohaku.prompt.tags.search import TagSearch

    if not 1 <= arguments.limit <= _MOST_HITS:
        raise RefusedError(f"--limit has to be from 1 to {_MOST_HITS}.")
    library = _library(arguments)
    for problem in library.problems:
        tell(f"warning: {problem}")
    hits = TagSearch(library.index, rank(library.index)).search(arguments.query, arguments.limit)
    if arguments.json:
        say_json(
            {
                "query": arguments.query,
                "tags": len(library.index),
                "hits": [
                    {
                        "name": hit.tag.name,
                        "category": hit.tag.category.value,
                        "posts": hit.tag.posts,
                        "match": hit.match.value,
                        "matched": hit.matched,
                        "profile_word": hit.tag.profile_word,
                        "aliases": list(hit.tag.aliases),
                    }
                    for hit in hits
                ],
            }
        )
        return exit_codes.DONE
    for hit in hits:
        how = f"  <- {hit.matched}" if hit.matched != hit.tag.name else ""
        say(f"{hit.tag.name}  [{hit.tag.category.value}, {hit.tag.posts:,} posts]{how}")
    if not hits:
        tell("nothing found")
    return exit_codes.DONE


def _library(arguments: argparse.Namespace) -> TagLibrary:
    from lib_kohaku.prompt.presets.store import starter_presets
    from lib_kohaku.prompt.profiles.loader import load_profiles
    from lib_kohaku.prompt.tags.library import load_library
    from lib_kohaku.prompt.tags.sources import find_sources, source_of
    from lib_kohaku.prompt.tags.vocabulary import builtin_vocabulary

    words = (word for profile in load_profiles().profiles for word in profile.own_words)
    vocabulary = builtin_vocabulary(words, (item for preset in starter_presets() for item in preset.parts.items()))
    sources = [source_of(path) for path in arguments.tags or ()]
    if arguments.data:
        found = find_sources(arguments.data / "kohaku" / "tags", arguments.data)
        sources += found.lists
        for problem in found.problems:
            tell(f"warning: {problem}")
    library = load_library(sources, vocabulary, arguments.cache)
    if arguments.tags and not library.sources:  # asked for by name, so silence would mislead
        raise RefusedError("; ".join(library.problems))
    return library


COMMAND = Command("tags", "search tag lists", _configure, _run)
