"""Which file each role of a formula stands for, before all of them are known.

A plan needs every file; a page that lets people choose them has to show the roles that have none yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import CheckpointError
from lib_kohaku.merge.algebra.resolve import ResolvedFormula
from lib_kohaku.merge.plan.bind import all_roles
from lib_kohaku.merge.recipe import ModelReference, Recipe

CHOSEN, BY_HASH, BY_NAME, BY_USUAL_NAME = "chosen", "hash", "name", "usual name"
REMEMBERED, MISSING = "remembered", "missing"
_SUGGESTED = 3


@dataclass(frozen=True)
class RoleBinding:
    """A role and its file.

    Attributes:
        role: Its name in the formula.
        file: The library's name of the file, empty if there is none yet.
        how: ``chosen`` by the user, found by ``hash``, by ``name`` or by a ``usual name`` of the recipe's,
            ``remembered`` from an earlier merge, or
            ``missing``.
        problem: Why there is none, for people.
        suggestions: Names in the library that look like it; where several files are called so, these.
    """

    role: str
    file: str
    how: str
    problem: str = ""
    suggestions: tuple[str, ...] = ()


def bind_roles(
    recipe: Recipe,
    resolved: ResolvedFormula,
    library: ModelLibrary,
    chosen: Mapping[str, str],
    known_sha256: Callable[[Path], str],
    remembered: Mapping[str, ModelReference] = MappingProxyType({}),
) -> tuple[RoleBinding, ...]:
    """Find a file for every role.

    A role's file is what the user chose, else the file with the hash that the recipe names, else the file that the
    recipe names, else the one that is called like the role, else the one that bears a name which the recipe says the
    model usually has, else the one that the role stood for in an earlier merge. Nothing else is guessed: names that
    only look alike are suggestions.
    """
    roles = all_roles(recipe, resolved)
    binder = _Binder(library, known_sha256)
    unknown = ModelReference()
    return tuple(
        RoleBinding(role, chosen[role], CHOSEN)
        if chosen.get(role) in library.everything
        else binder.bind(role, recipe.models.get(role, unknown), remembered.get(role, unknown))
        for role in roles
    )


class _Binder:
    """Looks for files in a library. Asks for as few hashes as it can: every one is a look into a cache on disk."""

    def __init__(self, library: ModelLibrary, known_sha256: Callable[[Path], str]) -> None:
        self._library = library
        self._known_sha256 = known_sha256
        self._names = {path: name for name, path in library.everything.items()}

    def bind(self, role: str, reference: ModelReference, earlier: ModelReference) -> RoleBinding:
        named, problem, namesakes = self._find(filter(None, (reference.file, role)))
        by_hash = self._by_hash(reference.sha256, named)
        if by_hash:
            return RoleBinding(role, by_hash, BY_HASH)
        if named:
            return RoleBinding(role, named, BY_NAME)
        try:
            usual = self._library.find_known_as(reference.names)
        except CheckpointError as error:
            usual, problem = None, problem or str(error)
        if usual is not None:
            return RoleBinding(role, self._names[usual], BY_USUAL_NAME)
        remembered = self._remembered(earlier)
        if remembered:
            return RoleBinding(role, remembered, REMEMBERED)
        guesses = namesakes or [
            guess for name in (reference.file, *reference.names, role) for guess in self._library.suggest(_stem(name))
        ]
        suggestions = tuple(dict.fromkeys(guesses))[:_SUGGESTED]
        return RoleBinding(role, "", MISSING, problem or f"There is no checkpoint {role!r}.", suggestions)

    def _find(self, names: Iterable[str]) -> tuple[str, str, list[str]]:
        """The first file that one of the names means, else why not and the files that it may mean."""
        problem = ""
        namesakes: list[str] = []
        for name in names:
            try:
                found = self._library.find(name)
            except CheckpointError as error:
                problem, namesakes = problem or str(error), namesakes or self._library.namesakes(name)
                continue
            if found is not None:
                return self._names[found], "", []
        return "", problem, namesakes

    def _by_hash(self, sha256: str, likely: str) -> str:
        """The file with a hash; ``likely`` is looked at first."""
        if not sha256:
            return ""
        if likely and self._known_sha256(self._library.everything[likely]) == sha256:
            return likely
        return self._all_hashes.get(sha256, "")

    @cached_property
    def _all_hashes(self) -> dict[str, str]:
        return {self._known_sha256(path): name for name, path in self._library.everything.items()}

    def _remembered(self, earlier: ModelReference) -> str:
        """The file that it was, by its hash, else by its name unless that is known to be another model by now."""
        named, _, _ = self._find(filter(None, [earlier.file]))
        by_hash = self._by_hash(earlier.sha256, named)
        if by_hash or not named:
            return by_hash
        replaced = earlier.sha256 and self._known_sha256(self._library.everything[named])
        return "" if replaced else named


def short_names(library: ModelLibrary) -> dict[str, str]:
    """For every file the shortest text that means it alone: its name without folder and ending, else in full."""
    stems: dict[str, list[str]] = {}
    for name in library.files:
        stems.setdefault(_stem(name).lower(), []).append(name)
    return {name: _stem(name) if len(stems[_stem(name).lower()]) == 1 else name for name in library.names}


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
