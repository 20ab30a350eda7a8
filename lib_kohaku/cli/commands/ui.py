"""``kohaku ui``."""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec
from pathlib import Path

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.output import say, tell
from lib_kohaku.cli.user_data import data_folder
from lib_kohaku.errors import RefusedError


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models",
        action="append",
        required=True,
        metavar="DIR",
        help="folder with checkpoints; results go into the first",
    )
    parser.add_argument("--port", type=int, help="by default the first free one from 7867 on")
    parser.add_argument(
        "--listen",
        action="store_true",
        help="let other machines use it; there is no password, so only in a network you trust",
    )


def _run(arguments: argparse.Namespace) -> int:
    # Before gradio is imported: it would tell its makers about every start.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    if find_spec("gradio") is None:
        raise RefusedError("The page needs gradio 3.41.2; see requirements/ui.txt.")
    from lib_kohaku.checkpoint.hashes import default_cache_path
    from lib_kohaku.ui.standalone import serve

    def ready(address: str) -> None:
        say(f"Kohaku is at {address}")
        if arguments.listen:
            tell("Every machine that can reach this one can use it: there is no password.")
        tell("Stop it with Ctrl+C.")

    serve(
        [Path(folder) for folder in arguments.models],
        data_folder(),
        default_cache_path(),
        port=arguments.port,
        listen=arguments.listen,
        ready=ready,
    )
    return exit_codes.DONE


COMMAND = Command("ui", "serve the tab on its own, without a webui", _configure, _run)
