"""``kohaku methods``."""

from __future__ import annotations

import argparse

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.output import say, say_json


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _run(arguments: argparse.Namespace) -> int:
    from lib_kohaku.merge.methods.describe import method_documents
    from lib_kohaku.merge.presets import block_presets

    if arguments.json:
        say_json(method_documents())
        return exit_codes.DONE
    for method in method_documents():
        say(f"{method['signature']}")
        say(f"    {method['description']}")
        say(f"    {method['definition']}   [{method['reference']}]")
        for setting in method["settings"]:
            say(f"    {setting['name']}: {setting['description']}")
        say()
    say('block presets for mbw("NAME"):')
    for preset in block_presets().values():
        say(f"    {preset.name:<10}{preset.description}")
    return exit_codes.DONE


COMMAND = Command("methods", "list merge methods and block presets", _configure, _run)
