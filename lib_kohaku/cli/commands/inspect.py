"""``kohaku inspect``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.output import say, say_json
from lib_kohaku.units import format_bytes

if TYPE_CHECKING:
    from lib_kohaku.checkpoint.inspect import Inspection

_SHOWN = 200


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a checkpoint")
    parser.add_argument("--json", action="store_true", help="print as JSON, with every tensor")


def _run(arguments: argparse.Namespace) -> int:
    from lib_kohaku.app.inspection import inspection_document
    from lib_kohaku.checkpoint.inspect import inspect_checkpoint

    inspection = inspect_checkpoint(Path(arguments.file))
    if arguments.json:
        say_json(inspection_document(inspection))
    else:
        _print(inspection)
    return exit_codes.DONE


def _print(inspection: Inspection) -> None:
    from lib_kohaku.merge.embed import read_embedded_merge

    header = inspection.header
    parameters = sum(info.count for info in header.tensors.values())
    say(f"{inspection.path.name}: {inspection.architecture.label}, {inspection.prediction} prediction")
    say(f"{len(header.tensors)} tensors, {parameters / 1e6:,.1f} M parameters, {format_bytes(header.file_size)}")
    for title, shares in (
        ("component", inspection.components),
        ("type", inspection.dtypes),
        ("block", inspection.blocks),
    ):
        if shares:
            say()
            say(f"{title:<12}{'tensors':>8}{'parameters':>15}{'size':>12}")
            for name, share in shares.items():
                say(f"{name:<12}{share.tensors:>8}{share.parameters / 1e6:>13,.2f} M{format_bytes(share.nbytes):>12}")
    if header.metadata:
        say()
        say("metadata")
        for key, value in sorted(header.metadata.items()):
            shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}... ({len(value)} characters)"
            say(f"  {key}: {json.dumps(shown, ensure_ascii=False)[1:-1]}")
    merge = read_embedded_merge(header.metadata)
    if merge is not None:
        say()
        say(f"merged with {merge.tool}")
        for line in (merge.recipe.formula if merge.recipe else merge.text).splitlines()[:40]:
            say(f"  {line}")


COMMAND = Command("inspect", "show a checkpoint's header, architecture, blocks, metadata and recipe", _configure, _run)
