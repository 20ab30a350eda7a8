"""Arguments that ``merge`` and ``plan`` share, and what they mean."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lib_kohaku.errors import RecipeError, RefusedError

if TYPE_CHECKING:
    from lib_kohaku.checkpoint.library import ModelLibrary
    from lib_kohaku.merge.plan.types import MergePlan
    from lib_kohaku.merge.recipe import Recipe
    from lib_kohaku.progress import Progress


def add_merge_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything that decides what is merged."""
    parser.add_argument("formula", nargs="?", metavar="FORMULA", help="such as 'a + 0.5*(b - c)'; see docs/formula.md")
    parser.add_argument(
        "--recipe", metavar="NAME|FILE", help="a recipe, its file or a merged checkpoint, instead of FORMULA"
    )
    add_models_argument(parser)
    parser.add_argument("--bind", action="append", default=[], metavar="ROLE=FILE", help="which file a name stands for")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="value of a $parameter")
    parser.add_argument(
        "--dtype",
        action="append",
        default=[],
        metavar="[COMPONENT=]TYPE",
        help="keep, fp32, fp16, bf16, fp8_e4m3fn or fp8_e5m2; for all, or for unet, te1, te2, vae",
    )
    parser.add_argument(
        "--fp8-profile",
        choices=("webui", "comfyui", "plain"),
        help="for whom fp8 weights are written: with scales, norms and the like in 16 bit; see docs/fp8.md",
    )
    parser.add_argument(
        "--component",
        action="append",
        default=[],
        metavar="COMPONENT=POLICY",
        help="merge, base (keep the base model's), drop, or from:ROLE; by default the VAE is the base model's",
    )
    parser.add_argument("--profile", help="block profile: supermerger (default) or mecha")
    parser.add_argument("--base", metavar="ROLE", help="the model whose keys the output has; by default the first one")
    parser.add_argument("--seed", type=int, help="for methods that draw random numbers")
    parser.add_argument("--allow-prediction-mismatch", action="store_true", help="merge eps and v models all the same")
    parser.add_argument("--no-hash", action="store_true", help="do not hash the inputs; the recipe then lacks hashes")


def add_models_argument(parser: argparse.ArgumentParser) -> None:
    """``--models``."""
    parser.add_argument(
        "--models", action="append", default=[], metavar="DIR", help="folder in which checkpoint names are looked up"
    )


def split_pairs(items: list[str], option: str) -> dict[str, str]:
    """``NAME=VALUE`` words as a table.

    Raises:
        RefusedError: If a word has no equals sign or a name comes twice.
    """
    table: dict[str, str] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals or not name or not value:
            raise RefusedError(f"{option} {item!r}: expected NAME=VALUE.")
        if name in table:
            raise RefusedError(f"{option}: {name} is given twice.")
        table[name] = value
    return table


def library_of(arguments: argparse.Namespace) -> ModelLibrary | None:
    """The folders of ``--models``; None if there are none.

    Raises:
        CheckpointError: If one is not a folder.
    """
    from lib_kohaku.checkpoint.library import ModelLibrary

    return ModelLibrary([Path(folder) for folder in arguments.models]) if arguments.models else None


def recipe_of(arguments: argparse.Namespace) -> Recipe:
    """The recipe that the arguments describe.

    Raises:
        RefusedError: If they do not describe one.
    """
    from lib_kohaku.cli.recipes import find_recipe
    from lib_kohaku.merge.recipe import Recipe

    if bool(arguments.formula) == bool(arguments.recipe):
        raise RecipeError("Give either a formula or --recipe.")
    recipe = Recipe(arguments.formula) if arguments.formula else find_recipe(arguments.recipe)
    parameters = {name: _number(name, value) for name, value in split_pairs(arguments.param, "--param").items()}
    dtypes = split_pairs([item if "=" in item else f"default={item}" for item in arguments.dtype], "--dtype")
    return replace(
        recipe,
        parameters={**recipe.parameters, **parameters},
        dtypes={**recipe.dtypes, **dtypes},
        components={**recipe.components, **split_pairs(arguments.component, "--component")},
        profile=arguments.profile or recipe.profile,
        base=arguments.base or recipe.base,
        seed=recipe.seed if arguments.seed is None else arguments.seed,
        fp8_profile=arguments.fp8_profile or recipe.fp8_profile,
    )


def plan_of(arguments: argparse.Namespace, progress: Progress) -> MergePlan:
    """Plan what the arguments describe; inputs are hashed unless ``--no-hash``.

    Raises:
        RefusedError: If something is wrong with the arguments or the inputs.
        CancelledError: If the user stopped the hashing.
    """
    from lib_kohaku.merge.plan.build import make_plan

    return make_plan(
        recipe_of(arguments),
        library_of(arguments),
        split_pairs(arguments.bind, "--bind"),
        hash_of=hasher(arguments, progress),
        allow_prediction_mismatch=arguments.allow_prediction_mismatch,
        shared=bool(arguments.recipe),
    )


def hasher(arguments: argparse.Namespace, progress: Progress) -> Callable[[Path], str]:
    """What gives a file's SHA-256: the cache, else reading it; nothing with ``--no-hash``."""
    from lib_kohaku.checkpoint.hashes import HashCache, default_cache_path

    if arguments.no_hash:
        return lambda path: ""
    cache = HashCache(default_cache_path())

    def sha256(path: Path) -> str:
        known = cache.get(path)
        if known is not None:
            return known
        progress.start(f"Hashing {path.name}", path.stat().st_size, "bytes")
        return cache.sha256(path, progress)

    return sha256


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise RefusedError(f"--param {name}: {value!r} is not a number.") from error
