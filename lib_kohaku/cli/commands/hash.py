"""``kohaku hash``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.output import say, say_json
from lib_kohaku.cli.progress_bar import ProgressBar


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a checkpoint")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _run(arguments: argparse.Namespace) -> int:
    from lib_kohaku.checkpoint.hashes import hash_file

    bar = ProgressBar()
    with bar.stops_on_interrupt():
        hashes = hash_file(Path(arguments.file), bar)
    if arguments.json:
        say_json(asdict(hashes))
    else:
        say(f"sha256  {hashes.sha256}")
        say(f"AutoV1  {hashes.auto_v1}")
        say(f"AutoV2  {hashes.auto_v2}")
        say(f"AutoV3  {hashes.auto_v3 or '(safetensors only)'}")
    return exit_codes.DONE


COMMAND = Command("hash", "print the hashes by which a checkpoint is known", _configure, _run)
