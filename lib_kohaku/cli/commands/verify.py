"""``kohaku verify``."""

from __future__ import annotations

import argparse
from pathlib import Path

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.merge_arguments import add_models_argument, hasher, library_of, split_pairs
from lib_kohaku.cli.output import say, say_json
from lib_kohaku.cli.progress_bar import ProgressBar


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a merged checkpoint that holds its recipe")
    add_models_argument(parser)
    parser.add_argument("--bind", action="append", default=[], metavar="ROLE=FILE", help="where a parent is now")
    parser.add_argument("--all", action="store_true", help="compare all tensors instead of a sample of 100")
    parser.add_argument("--no-hash", action="store_true", help="do not check that the parents are the same files")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _run(arguments: argparse.Namespace) -> int:
    from lib_kohaku.merge.verify.document import describe_report, report_document
    from lib_kohaku.merge.verify.run import verify_file

    bar = ProgressBar()
    with bar.stops_on_interrupt():
        report = verify_file(
            Path(arguments.file),
            library_of(arguments),
            split_pairs(arguments.bind, "--bind"),
            check_all=arguments.all,
            hash_of=hasher(arguments, bar),
            progress=bar,
        )
    if arguments.json:
        say_json(report_document(report))
    else:
        for line in describe_report(report):
            say(line)
    return exit_codes.DONE if report.passed else exit_codes.FAILED


COMMAND = Command("verify", "recompute a merged file from its own recipe and compare", _configure, _run)
