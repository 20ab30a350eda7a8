"""From the user's files to an index that can be searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lib_kohaku.prompt.files import each_that_works
from lib_kohaku.prompt.tags.booru_database import read_tag_table
from lib_kohaku.prompt.tags.cache import IndexCache
from lib_kohaku.prompt.tags.csv_reader import read_tag_list
from lib_kohaku.prompt.tags.index import TagIndex
from lib_kohaku.prompt.tags.model import Tag
from lib_kohaku.prompt.tags.sources import TagSource


@dataclass(frozen=True)
class TagLibrary:
    """An index and where it comes from.

    Attributes:
        index: The index.
        sources: The files that are in it; none means that only the built-in vocabulary is.
        problems: Files that could not be read, one message each.
        from_cache: Whether it was loaded and not built.
    """

    index: TagIndex
    sources: tuple[TagSource, ...]
    problems: tuple[str, ...]
    from_cache: bool


def load_library(
    sources: Sequence[TagSource], vocabulary: Sequence[Tag] = (), cache_folder: Path | None = None
) -> TagLibrary:
    """Load the index over some sources, from the cache if nothing has changed.

    A file that cannot be read is reported and left out; the others serve.

    Args:
        sources: What to read, the most trusted first; inactive ones are passed over.
        vocabulary: The built-in words, which the sources outrank.
        cache_folder: Where built indexes are kept; None for nowhere.
    """
    wanted = tuple(source for source in sources if source.active)
    cache = IndexCache(cache_folder, wanted, vocabulary) if cache_folder and wanted else None
    stored = cache.load() if cache else None
    if stored is not None:
        return TagLibrary(TagIndex(stored), wanted, (), True)
    read, problems = each_that_works(_read, wanted)
    index = TagIndex.build([*(tags for _, tags in read), vocabulary])
    if cache and not problems:  # else a file that was locked once would be missing until it changes
        cache.store(index.arrays)
    return TagLibrary(index, tuple(source for source, _ in read), tuple(problems), False)


def _read(source: TagSource) -> tuple[TagSource, tuple[Tag, ...]]:
    reader = read_tag_table if source.is_database else read_tag_list
    return source, reader(source.path).tags
