"""The subcommands, all on one page."""

from __future__ import annotations

from lib_kohaku.cli.command import Command
from lib_kohaku.cli.commands.caption import COMMAND as CAPTION
from lib_kohaku.cli.commands.fp8 import COMMAND as FP8
from lib_kohaku.cli.commands.hash import COMMAND as HASH
from lib_kohaku.cli.commands.inspect import COMMAND as INSPECT
from lib_kohaku.cli.commands.merge import COMMAND as MERGE
from lib_kohaku.cli.commands.methods import COMMAND as METHODS
from lib_kohaku.cli.commands.plan import COMMAND as PLAN
from lib_kohaku.cli.commands.prompt import COMMAND as PROMPT
from lib_kohaku.cli.commands.recipe import COMMAND as RECIPE
from lib_kohaku.cli.commands.tags import COMMAND as TAGS
from lib_kohaku.cli.commands.ui import COMMAND as UI
from lib_kohaku.cli.commands.verify import COMMAND as VERIFY

COMMANDS: tuple[Command, ...] = (MERGE, PLAN, VERIFY, INSPECT, HASH, RECIPE, METHODS, PROMPT, TAGS, CAPTION, FP8, UI)
