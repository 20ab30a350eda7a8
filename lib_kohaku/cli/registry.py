"""The subcommands, all on one page."""

from __future__ import annotations

from lib_kohaku.cli.command import Command
from lib_kohaku.cli.commands import caption, prompt, tags

COMMANDS: tuple[Command, ...] = (prompt.COMMAND, tags.COMMAND, caption.COMMAND)
