"""What ``kohaku prompt`` knows besides the prompt: the model's format, the tags, the tokenizer."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cached_property

from lib_kohaku.cli.output import tell
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.chunks import Tokenizer, best_tokenizer
from lib_kohaku.prompt.format import OrderSpec, TagLookup
from lib_kohaku.prompt.syntax import Dialect


@dataclass(frozen=True)
class Knowledge:
    """All that the actions need.

    ``spec`` and ``lookup`` are loaded when they are first asked for: ``parse`` needs neither.
    """

    arguments: argparse.Namespace
    dialect: Dialect
    steps: int

    @cached_property
    def spec(self) -> OrderSpec:
        """The model's format.

        Raises:
            RefusedError: If there is no such profile.
        """
        from lib_kohaku.prompt.format.from_profile import order_spec
        from lib_kohaku.prompt.profiles.loader import load_profiles

        profiles = load_profiles(self.arguments.profiles)
        for problem in profiles.problems:
            tell(f"warning: {problem}")
        return order_spec(profiles.get(self.arguments.profile), profiles.profiles)

    @cached_property
    def lookup(self) -> TagLookup:
        """The tag lists that were given, or the built-in vocabulary.

        Raises:
            RefusedError: If none of the lists that were given can be read.
        """
        from lib_kohaku.prompt.format.from_index import IndexLookup
        from lib_kohaku.prompt.tags.implications import read_implications
        from lib_kohaku.prompt.tags.library import load_library
        from lib_kohaku.prompt.tags.ranking import rank
        from lib_kohaku.prompt.tags.search import TagSearch
        from lib_kohaku.prompt.tags.sources import source_of
        from lib_kohaku.prompt.tags.vocabulary import builtin_vocabulary

        paths = self.arguments.tags or ()
        library = load_library([source_of(path) for path in paths], builtin_vocabulary())
        for problem in library.problems:
            tell(f"warning: {problem}")
        if paths and not library.sources:
            raise RefusedError("; ".join(library.problems))
        path = self.arguments.implications
        implications = read_implications(path) if path else None
        return IndexLookup(TagSearch(library.index, rank(library.index)), implications, complete=bool(paths))

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """CLIP's, if an installed package has its vocabulary."""
        return best_tokenizer()


def load_knowledge(arguments: argparse.Namespace) -> Knowledge:
    """Turn the arguments into knowledge, without reading anything yet."""
    dialect = Dialect(negative=arguments.negative, comments=not arguments.no_comments)
    return Knowledge(arguments, dialect, arguments.steps)
