"""``kohaku prompt``: what the webui reads, a model's order, and what is wrong with a prompt."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.commands.prompt_texts import one_text, prompts_of_lines
from lib_kohaku.cli.output import say
from lib_kohaku.errors import RefusedError

if TYPE_CHECKING:
    from lib_kohaku.cli.commands.prompt_knowledge import Knowledge

_MOST_STEPS = 1000
_PROFILE = "kohaku-xl-gamma"
_ACTIONS = {
    "parse": "what the webui makes of a prompt: weights, parts, steps, chunks",
    "format": "put the tags into the order that a model was trained with; nothing else changes",
    "lint": "what the webui will misread and what the model does not know, with fixes",
}


def _configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in _ACTIONS.items():
        _add_arguments(actions.add_parser(name, help=text, description=text))


def _add_arguments(action: argparse.ArgumentParser) -> None:
    action.add_argument("text", nargs="?", metavar="TEXT", help="the prompt; read from standard input without it")
    action.add_argument("--jsonl", type=Path, metavar="FILE", help="many: one JSON object with a 'prompt' per line")
    action.add_argument("--json", action="store_true", help="print one JSON document")
    action.add_argument("--negative", action="store_true", help="it is a negative prompt: AND means nothing there")
    action.add_argument("--no-comments", action="store_true", help="the webui's option 'Enable comments' is off")
    action.add_argument("--steps", type=int, default=20, metavar="N", help="sampling steps (default %(default)s)")
    action.add_argument("--profile", default=_PROFILE, metavar="ID", help="whose format (default %(default)s)")
    action.add_argument("--profiles", type=Path, metavar="DIR", help="folder of your own profiles")
    action.add_argument("--tags", type=Path, action="append", metavar="FILE", help="tag list; may be repeated")
    action.add_argument("--implications", type=Path, metavar="FILE", help="CSV of antecedent,consequent")


def _run(arguments: argparse.Namespace) -> int:
    from lib_kohaku.cli.commands.prompt_knowledge import load_knowledge

    if not 1 <= arguments.steps <= _MOST_STEPS:
        raise RefusedError(f"--steps has to be from 1 to {_MOST_STEPS}")
    if arguments.jsonl and arguments.text is not None:
        raise RefusedError("give either a prompt or --jsonl, not both")
    knowledge = load_knowledge(arguments)
    if arguments.jsonl:
        return _run_lines(arguments, knowledge)
    from lib_kohaku.cli.commands import prompt_views

    text = one_text(arguments.text)
    if arguments.json:
        # Prompts can hold lone surrogates, which no terminal takes: ASCII only.
        say(prompt_views.as_json(_documents(arguments.action)(text, knowledge), indent=2))
    else:
        for line in prompt_views.LINES[arguments.action](text, knowledge):
            say(line)
    return exit_codes.DONE


def _run_lines(arguments: argparse.Namespace, knowledge: Knowledge) -> int:
    from lib_kohaku.cli.commands.prompt_views import as_json

    document_of = _documents(arguments.action, lines=True)
    refused: list[int] = []
    for number, prompt in prompts_of_lines(arguments.jsonl):
        try:
            document = document_of(prompt, knowledge)
        except RefusedError as error:
            refused.append(number)
            document = {"prompt": prompt, "error": str(error)}
        say(as_json(document))
    if refused:
        first = ", ".join(map(str, refused[:10]))
        raise RefusedError(f"{len(refused)} prompts stop the webui with an error; the first ones are on line {first}")
    return exit_codes.DONE


def _documents(action: str, *, lines: bool = False) -> Callable[[str, Knowledge], dict[str, Any]]:
    from lib_kohaku.cli.commands import prompt_views

    if action == "parse" and lines:
        return prompt_views.stages
    return prompt_views.DOCUMENTS[action]


COMMAND = Command("prompt", "read, order and check prompts", _configure, _run)
