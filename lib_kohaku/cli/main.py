"""Entry point of the command line: parse, dispatch, turn errors into messages and exit codes."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.output import failing_clearly, flush, tell
from lib_kohaku.cli.registry import COMMANDS
from lib_kohaku.errors import CancelledError, KohakuError, RefusedError
from lib_kohaku.version import __version__


def build_parser() -> argparse.ArgumentParser:
    """The parser with all subcommands."""
    parser = argparse.ArgumentParser(
        prog="kohaku", description="Merge checkpoints by formula, convert them to fp8, build tag prompts."
    )
    parser.add_argument("--version", action="version", version=f"kohaku {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.configure(commands.add_parser(command.name, help=command.help, description=command.help))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after the program's name; ``sys.argv[1:]`` by default.

    Returns:
        0 done, 1 failed, 2 refused input (argparse uses 2 as well), 130 cancelled.
    """
    try:
        with failing_clearly():
            arguments = build_parser().parse_args(argv)
        command = next(command for command in COMMANDS if command.name == arguments.command)
        code = command.run(arguments)
        flush()
        return code
    except SystemExit:  # --help, --version, or a usage error
        _drop_output()
        raise
    except (CancelledError, KeyboardInterrupt) as error:
        tell(str(error) or "Stopped.")
        return exit_codes.CANCELLED
    except RefusedError as error:
        tell(f"refused: {error}")
        return exit_codes.REFUSED
    except KohakuError as error:
        tell(f"failed: {error}")
        _drop_output()
        return exit_codes.FAILED
    except BrokenPipeError:
        # The reader of our output went away (`kohaku ... | head`): not an error, but nothing more can be written.
        _drop_output()
        return exit_codes.FAILED


def _drop_output() -> None:
    """Let go of what could not be written, or Python would try again at its end and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run() -> None:
    """Console script: :func:`main` as a process."""
    code = main()
    # There is nothing left to stop: a second Ctrl-C must not make Python's last steps look like a crash.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)
