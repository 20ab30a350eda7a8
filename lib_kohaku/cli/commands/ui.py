"""``kohaku ui``."""

from __future__ import annotations

import argparse
import os
from importlib.metadata import PackageNotFoundError, version
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
    _refuse_other_gradio()
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


def _refuse_other_gradio() -> None:
    """The page is written for the webui's gradio; later ones fail in the middle, with errors that tell nothing."""
    try:
        present = version("gradio")
    except PackageNotFoundError:
        present = ""
    if not present.startswith("3."):
        found = f"gradio {present} is installed" if present else "it is not installed"
        raise RefusedError(
            f"The page needs gradio 3.41.2, and {found}. Python 3.10 to 3.12, in a virtual environment of its own: "
            'pip install ".[ui]"'
        )


COMMAND = Command("ui", "serve the tab on its own, without a webui", _configure, _run)
