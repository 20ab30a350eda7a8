"""``kohaku recipe``."""

from __future__ import annotations

import argparse
from pathlib import Path

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.output import say, tell
from lib_kohaku.cli.recipes import find_recipe
from lib_kohaku.cli.user_data import recipe_store
from lib_kohaku.errors import RecipeError


def _configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="names and descriptions of all recipes")
    show = actions.add_parser("show", help="print a recipe")
    show.add_argument("name", metavar="NAME|FILE", help="a recipe, a recipe file, or a merged checkpoint")
    export = actions.add_parser("export", help="write a recipe to a file")
    export.add_argument("name", metavar="NAME|FILE", help="a recipe, a recipe file, or a merged checkpoint")
    export.add_argument("file", metavar="OUT", help="the recipe file")
    export.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    import_ = actions.add_parser("import", help="keep a recipe under a name of its own")
    import_.add_argument("file", metavar="FILE", help="a recipe file or a merged checkpoint")
    import_.add_argument("--name", help="its name; by default the recipe's own, or the file's")
    import_.add_argument("--overwrite", action="store_true", help="replace a recipe of that name")


def _run(arguments: argparse.Namespace) -> int:
    return {"list": _list, "show": _show, "export": _export, "import": _import}[arguments.action](arguments)


def _list(arguments: argparse.Namespace) -> int:
    recipes, problems = recipe_store().list()
    for stored in recipes:
        say(f"{stored.name:<20}{stored.recipe.description}")
    for problem in problems:
        tell(f"warning: {problem}")
    return exit_codes.DONE


def _show(arguments: argparse.Namespace) -> int:
    from lib_kohaku.merge.recipe import recipe_to_json

    say(recipe_to_json(find_recipe(arguments.name)))
    return exit_codes.DONE


def _export(arguments: argparse.Namespace) -> int:
    from lib_kohaku.checkpoint.io.atomic import write_file_atomically
    from lib_kohaku.merge.recipe import recipe_to_json

    text = recipe_to_json(find_recipe(arguments.name)) + "\n"
    write_file_atomically(Path(arguments.file), text.encode(), overwrite=arguments.overwrite)
    return exit_codes.DONE


def _import(arguments: argparse.Namespace) -> int:
    from lib_kohaku.checkpoint.names import is_file

    path = Path(arguments.file)
    if not is_file(path):
        raise RecipeError(f"{arguments.file}: no such file.")
    recipe = find_recipe(arguments.file)
    saved = recipe_store().save(arguments.name or recipe.name or path.stem, recipe, overwrite=arguments.overwrite)
    say(f"kept as {saved.stem}")
    return exit_codes.DONE


COMMAND = Command("recipe", "list, show, export and import recipes", _configure, _run)
