"""Which file each role of a formula stands for, before all of them are known.

A plan needs every file; a page that lets people choose them has to show the roles that have none yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import CheckpointError
from lib_kohaku.merge.algebra.resolve import ResolvedFormula
from lib_kohaku.merge.plan.bind import all_roles
from lib_kohaku.merge.recipe import ModelReference, Recipe

CHOSEN, BY_HASH, BY_NAME, BY_USUAL_NAME, MISSING = "chosen", "hash", "name", "usual name", "missing"


@dataclass(frozen=True)
class RoleBinding:
    """A role and its file.

    Attributes:
        role: Its name in the formula.
        file: The library's name of the file, empty if there is none yet.
        how: ``chosen`` by the user, found by ``hash``, by ``name`` or by a ``usual name`` of the recipe's, or
            ``missing``.
        problem: Why there is none, for people.
        suggestions: Names in the library that look like it.
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
) -> tuple[RoleBinding, ...]:
    """Find a file for every role.

    A role's file is what the user chose, else the file with the hash that the recipe names, else the file that the
    recipe names, else the one that is called like the role, else the one that bears a name which the recipe says the
    model usually has. Nothing else is guessed: names that only look alike are suggestions.
    """
    names = {path: name for name, path in library.files.items()}
    wanted = {recipe.models[role].sha256 for role in all_roles(recipe, resolved) if role in recipe.models} - {""}
    by_hash = {known_sha256(path): name for name, path in library.files.items()} if wanted else {}
    return tuple(
        _bind(role, recipe.models.get(role, ModelReference()), library, names, chosen.get(role, ""), by_hash)
        for role in all_roles(recipe, resolved)
    )


def _bind(
    role: str,
    reference: ModelReference,
    library: ModelLibrary,
    names: Mapping[Path, str],
    chosen: str,
    by_hash: Mapping[str, str],
) -> RoleBinding:
    if chosen in library.files:
        return RoleBinding(role, chosen, CHOSEN)
    if reference.sha256 in by_hash:
        return RoleBinding(role, by_hash[reference.sha256], BY_HASH)
    problem = ""
    for candidate in filter(None, (reference.file, role)):
        try:
            found = library.find(candidate)
        except CheckpointError as error:
            problem = problem or str(error)
            continue
        if found is not None:
            return RoleBinding(role, names[found], BY_NAME)
    try:
        known = library.find_known_as(reference.names)
    except CheckpointError as error:
        known, problem = None, problem or str(error)
    if known is not None:
        return RoleBinding(role, names[known], BY_USUAL_NAME)
    suggestions = tuple(dict.fromkeys((*library.suggest(reference.file or role), *library.suggest(role))))
    return RoleBinding(role, "", MISSING, problem or f"There is no checkpoint {role!r}.", suggestions)


def short_names(library: ModelLibrary) -> dict[str, str]:
    """For every file the shortest text that means it alone: its name without folder and ending, else in full."""
    stems: dict[str, list[str]] = {}
    for name in library.files:
        stems.setdefault(_stem(name).lower(), []).append(name)
    return {name: _stem(name) if len(stems[_stem(name).lower()]) == 1 else name for name in library.names}


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
