"""What a subcommand is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One subcommand.

    Modules that define commands import nothing heavy at their top (no torch): ``kohaku --help`` and the prompt
    commands have to answer at once. ``run`` imports what it needs.

    Attributes:
        name: The word on the command line.
        help: One line for ``kohaku --help``.
        configure: Adds the arguments to the subcommand's parser.
        run: Does the work and returns the exit code; raises :class:`~lib_kohaku.errors.KohakuError` for everything
            that a person can cause.
    """

    name: str
    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
