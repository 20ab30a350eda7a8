"""The user's tag lists, loaded in the background, and how often each tag is used."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lib_kohaku.errors import KohakuError
from lib_kohaku.prompt.files import each_that_works
from lib_kohaku.prompt.format import TagLookup
from lib_kohaku.prompt.format.from_index import IndexLookup
from lib_kohaku.prompt.tags.implications import Implications, read_implications
from lib_kohaku.prompt.tags.index import TagIndex
from lib_kohaku.prompt.tags.library import load_library
from lib_kohaku.prompt.tags.model import Tag
from lib_kohaku.prompt.tags.ranking import rank
from lib_kohaku.prompt.tags.search import TagSearch
from lib_kohaku.prompt.tags.sources import FoundSources
from lib_kohaku.prompt.tags.usage import UsageStore

_log = logging.getLogger(__name__)
_MOST_USED_AT_ONCE = 50


@dataclass(frozen=True)
class Shelf:
    """The tags at one moment. Never changes, so that threads can share it.

    Attributes:
        search: Finds tags as one types.
        lookup: Answers for single tags, for Format and lint.
        sources: Names of the files that it comes from; none if only the built-in words are there.
        problems: Files that could not be used, one message each.
        loading: Whether the user's lists are still being read.
        implications: Which tags imply which.
    """

    search: TagSearch
    lookup: TagLookup
    sources: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    loading: bool = False
    implications: Implications | None = None

    @property
    def complete(self) -> bool:
        """Whether a booru's list is in it, and not just the built-in words."""
        return bool(self.sources)


class TagShelf:
    """Keeps the present :class:`Shelf` and replaces it when the lists change.

    Args:
        find: Finds the user's files.
        vocabulary: The built-in words.
        cache_folder: For built indexes.
        usage: How often the user takes which tag.
    """

    def __init__(
        self, find: Callable[[], FoundSources], vocabulary: Sequence[Tag], cache_folder: Path, usage: UsageStore
    ) -> None:
        self._find = find
        self._vocabulary = tuple(vocabulary)
        self._cache_folder = cache_folder
        self._usage = usage
        self._lock = threading.Lock()
        self._loader: threading.Thread | None = None
        self._shelf: Shelf | None = None

    def current(self) -> Shelf:
        """The tags that there are now: the built-in words until the loading is done, which the first call starts."""
        with self._lock:
            if self._shelf is None:
                self._shelf = self._made(TagIndex.build([self._vocabulary]), loading=True)
                self._start()
            return self._shelf

    def reload(self) -> None:
        """Read the lists again; the present ones serve until that is done."""
        shelf = self.current()
        with self._lock:
            if self._loader is None or not self._loader.is_alive():
                self._shelf = replace(shelf, loading=True)
                self._start()

    def wait(self, seconds: float) -> Shelf:
        """Wait until loading has ended, for command lines and tests."""
        self.current()
        if self._loader is not None:
            self._loader.join(seconds)
        return self.current()

    def used(self, names: Iterable[str]) -> None:
        """Count one use of each tag; they rank higher from now on. A file that cannot be written costs only that."""
        try:
            self._usage.record(list(names)[:_MOST_USED_AT_ONCE], time.time())
        except KohakuError as error:
            _log.warning("%s", error)
            return
        with self._lock:
            shelf = self._shelf
            if shelf is not None:
                search = self._ranked(shelf.search.index)
                lookup = IndexLookup(search, shelf.implications, complete=shelf.complete)
                self._shelf = replace(shelf, search=search, lookup=lookup)

    def _start(self) -> None:
        self._loader = threading.Thread(target=self._load, name="kohaku-tags", daemon=True)
        self._loader.start()

    def _load(self) -> None:
        problems: tuple[str, ...] = ()
        try:
            shelf = self._loaded()
        except KohakuError as error:
            problems = (str(error),)
        except Exception as error:  # a thread has nobody above it to tell
            _log.exception("The tag lists could not be loaded")
            problems = (f"The tag lists could not be loaded: {type(error).__name__}. The details are in the console.",)
        with self._lock:
            if problems:
                shelf = replace(self._shelf or self._made(TagIndex.build([self._vocabulary])), problems=problems)
            self._shelf = replace(shelf, loading=False)

    def _loaded(self) -> Shelf:
        found = self._find()
        library = load_library(found.lists, self._vocabulary, self._cache_folder)
        implications, unreadable = each_that_works(read_implications, found.implications)
        return self._made(
            library.index,
            sources=tuple(source.path.name for source in library.sources),
            problems=(*found.problems, *library.problems, *unreadable),
            implications=implications[0] if implications else None,
        )

    def _made(
        self,
        index: TagIndex,
        *,
        sources: tuple[str, ...] = (),
        problems: tuple[str, ...] = (),
        loading: bool = False,
        implications: Implications | None = None,
    ) -> Shelf:
        search = self._ranked(index)
        lookup = IndexLookup(search, implications, complete=bool(sources))
        return Shelf(search, lookup, sources, problems, loading, implications)

    def _ranked(self, index: TagIndex) -> TagSearch:
        favour: dict[str, float] = {}
        with contextlib.suppress(KohakuError):  # without it tags rank by their posts alone
            favour = self._usage.favour(time.time())
        return TagSearch(index, rank(index, favour))
