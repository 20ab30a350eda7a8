"""``kohaku plan``."""

from __future__ import annotations

import argparse

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.merge_arguments import add_merge_arguments, plan_of
from lib_kohaku.cli.output import say, say_json
from lib_kohaku.cli.progress_bar import ProgressBar


def _configure(parser: argparse.ArgumentParser) -> None:
    add_merge_arguments(parser)
    parser.set_defaults(no_hash=True)
    parser.add_argument("--hash", dest="no_hash", action="store_false", help="hash the inputs as merge does")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")


def _run(arguments: argparse.Namespace) -> int:
    from lib_kohaku.merge.plan.describe import describe_plan
    from lib_kohaku.merge.plan.document import plan_document

    bar = ProgressBar()
    with bar.stops_on_interrupt():
        plan = plan_of(arguments, bar)
    if arguments.json:
        say_json(plan_document(plan))
    else:
        for line in describe_plan(plan):
            say(line)
    return exit_codes.REFUSED if plan.refusals else exit_codes.DONE


COMMAND = Command("plan", "show what a merge would do, from headers alone", _configure, _run)
