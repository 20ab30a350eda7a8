"""The subcommands, all on one page."""

from __future__ import annotations

from lib_kohaku.cli.command import Command
from lib_kohaku.cli.commands import caption, tags

COMMANDS: tuple[Command, ...] = (tags.COMMAND, caption.COMMAND)
