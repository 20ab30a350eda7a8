"""The subcommands, all on one page."""

from __future__ import annotations

from lib_kohaku.cli.command import Command

COMMANDS: tuple[Command, ...] = ()
