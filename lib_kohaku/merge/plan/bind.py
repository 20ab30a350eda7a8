"""Roles of a formula to files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from lib_kohaku.checkpoint.architectures import detect_architecture, prediction_type
from lib_kohaku.checkpoint.config_file import configured_prediction
from lib_kohaku.checkpoint.header import Header
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.checkpoint.names import is_file
from lib_kohaku.checkpoint.source import Checkpoint, load_header
from lib_kohaku.errors import PlanError, RecipeError
from lib_kohaku.fp8.errors import Fp8FileError
from lib_kohaku.fp8.files.layout import Fp8Layout, find_layout
from lib_kohaku.merge.algebra.resolve import ResolvedFormula
from lib_kohaku.merge.plan.types import InputModel
from lib_kohaku.merge.recipe import DEFAULT_COMPONENTS, FROM, ModelReference, Recipe

HashLookup = Callable[[Path], str]
ModelFinder = Callable[[str, "ModelLibrary | None"], Path]


def all_roles(recipe: Recipe, resolved: ResolvedFormula) -> tuple[str, ...]:
    """Roles of the formula, then those that only a component policy or the base names."""
    named = [policy[len(FROM) :] for policy in recipe.components.values() if policy.startswith(FROM)]
    if recipe.base:
        named.append(recipe.base)
    return tuple(dict.fromkeys((*resolved.roles, *named)))


def find_model(name: str, library: ModelLibrary | None) -> Path:
    """The file that a name means: a path that exists, or an entry of the library.

    Raises:
        PlanError: If there is none; the text suggests what was probably meant.
        CheckpointError: If several entries answer to the name.
    """
    if library is not None:
        found = library.find(name)
        if found is not None:
            return found
    path = Path(name)
    with contextlib.suppress(RuntimeError):  # ~somebody who does not exist
        path = path.expanduser()
    if is_file(path):
        return path
    close = library.suggest(name) if library is not None else []
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    where = "" if library is None else f" under {', '.join(str(root) for root in library.roots)}"
    raise PlanError(f"There is no checkpoint {name!r}{where}.{hint}")


def find_in_library(name: str, library: ModelLibrary | None) -> Path:
    """The entry of the library that a name means; never a path, so that names may come from strangers.

    Raises:
        PlanError: If there is none.
        CheckpointError: If several entries answer to the name.
    """
    found = library.find(name) if library is not None else None
    if found is None:
        close = library.suggest(name) if library is not None else []
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise PlanError(f"There is no checkpoint {name!r}.{hint}")
    return found


def bind_models(
    recipe: Recipe,
    resolved: ResolvedFormula,
    library: ModelLibrary | None,
    bindings: Mapping[str, str],
    find: ModelFinder = find_model,
    *,
    shared: bool = False,
) -> dict[str, Path]:
    """Find the file of every role.

    A role is looked up as the user bound it, else as the recipe names its file, else under its own name, else under
    the names that the recipe says the model usually has. The file names of a recipe are never paths: it may have come
    from a stranger.

    Args:
        recipe: The recipe.
        resolved: Its formula.
        library: Where names are looked up.
        bindings: Role to what the user bound it to.
        find: What bindings and names in the formula mean.
        shared: Whether the formula too may have come from a stranger: then its names are no paths either.

    Raises:
        PlanError: If a role has no file or a binding names no role; all roles at once.
    """
    roles = all_roles(recipe, resolved)
    problems = [f"The formula has no model {role!r}." for role in bindings if role not in roles]
    paths: dict[str, Path] = {}
    for role in roles:
        try:
            if role in bindings:
                paths[role] = find(bindings[role], library)
            else:
                reference = recipe.models.get(role, ModelReference())
                paths[role] = _find_role(role, reference, library, find_in_library if shared else find)
        except PlanError as error:
            problems.append(str(error))
    if len(paths) < len(roles) and library is None:
        problems.append("No folder was given to look names up in (--models): give one, or paths of files.")
    if problems:
        raise PlanError("\n".join(problems))
    return paths


def _find_role(role: str, reference: ModelReference, library: ModelLibrary | None, find: ModelFinder) -> Path:
    if library is None:
        return find(role, library)
    named = library.find(reference.file) if reference.file else None
    if named is not None:
        return named
    try:
        return find(role, library)
    except PlanError:
        usual = library.find_known_as(reference.names)
        if usual is None:
            raise
        return usual


def open_inputs(paths: Mapping[str, Path], hash_of: HashLookup) -> tuple[InputModel, ...]:
    """Read the headers of all inputs.

    Args:
        paths: Role to file.
        hash_of: Gives the SHA-256 of a file, or an empty text where it is not known.

    Raises:
        CheckpointError: If a file is damaged.
    """
    return tuple(_open_input(role, path, hash_of(path)) for role, path in paths.items())


def _open_input(role: str, path: Path, sha256: str) -> InputModel:
    header = cached_header(path)
    architecture = detect_architecture(header.tensors)
    prediction = configured_prediction(path) or prediction_type(header)
    try:
        return InputModel(role, path, header, architecture, prediction, sha256, fp8=_cached_layout(path, header))
    except Fp8FileError as error:
        return InputModel(role, path, header, architecture, prediction, sha256, problem=str(error))


def _cached_layout(path: Path, header: Header) -> Fp8Layout:
    """What is fp8 in a file, remembered until the file changes."""
    try:
        status = path.stat()
    except OSError:
        return _read_layout(path, header)
    return _load_layout(path, status.st_size, status.st_mtime_ns)


def _read_layout(path: Path, header: Header) -> Fp8Layout:
    def read(name: str) -> bytes:
        with Checkpoint(path) as checkpoint:
            return bytes(checkpoint.read_bytes(name))

    return find_layout(header, read, path.name, may_hold_strange_types=True)


def cached_header(path: Path) -> Header:
    """The header of a file, remembered until the file changes."""
    try:
        status = path.stat()
    except OSError:
        return load_header(path)
    return _load_header(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=128)
def _load_header(path: Path, size: int, mtime_ns: int) -> Header:  # the arguments are the cache's key
    return load_header(path)


@lru_cache(maxsize=128)
def _load_layout(path: Path, size: int, mtime_ns: int) -> Fp8Layout:  # likewise
    return _read_layout(path, _load_header(path, size, mtime_ns))


def with_bound_models(recipe: Recipe, models: Sequence[InputModel]) -> Recipe:
    """The recipe with every role's file and hash and the default policies written in, as it is embedded."""
    references = {model.role: ModelReference(model.path.name, model.sha256) for model in models}
    return replace(recipe, models=references, components={**DEFAULT_COMPONENTS, **recipe.components})


def unexpected_hashes(recipe: Recipe, models: Sequence[InputModel]) -> list[str]:
    """Warnings for roles whose file is not the one that the recipe names by its hash."""
    warnings = []
    for model in models:
        expected = recipe.models.get(model.role, ModelReference()).sha256
        if expected and model.sha256 and expected != model.sha256:
            warnings.append(
                f"{model.role}: {model.path.name} has hash {model.sha256[:10]}, the recipe was made with "
                f"{expected[:10]}; the result will differ."
            )
    return warnings


def require_known_base(recipe: Recipe, models: Sequence[InputModel]) -> None:
    """Check that a base given by hand is a model of the merge.

    Raises:
        RecipeError: If it is not.
    """
    if recipe.base and recipe.base not in {model.role for model in models}:
        raise RecipeError(f"The base {recipe.base!r} is not a model of this merge.")
