"""``kohaku merge``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.merge_arguments import add_merge_arguments, plan_of
from lib_kohaku.cli.output import say, say_json, tell
from lib_kohaku.cli.progress_bar import ProgressBar
from lib_kohaku.units import format_bytes, format_seconds


def _configure(parser: argparse.ArgumentParser) -> None:
    add_merge_arguments(parser)
    parser.add_argument("--out", required=True, metavar="FILE", help="the merged checkpoint (.safetensors)")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    parser.add_argument("--name", help="title of the merged model; by default the output's name")
    parser.add_argument("--io", choices=("auto", "direct", "buffered"), default="auto", help="how files are accessed")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--json", action="store_true", help="print a report as JSON")


def _run(arguments: argparse.Namespace) -> int:
    from lib_kohaku.checkpoint.io.modes import IOMode
    from lib_kohaku.merge.plan.build import check_output, require_runnable
    from lib_kohaku.merge.plan.describe import describe_plan
    from lib_kohaku.merge.plan.document import plan_document
    from lib_kohaku.merge.to_file import merge_to_file, named_after

    output = Path(arguments.out)
    bar = ProgressBar(quiet=arguments.quiet)
    with bar.stops_on_interrupt():
        plan = named_after(plan_of(arguments, bar), arguments.name or output.stem)
        require_runnable(plan, check_output(plan, output, overwrite=arguments.overwrite))
        bar.end_line()
        if not arguments.quiet:
            for line in describe_plan(plan):
                tell(line)
        report = merge_to_file(plan, output, overwrite=arguments.overwrite, progress=bar, mode=IOMode(arguments.io))
    if report.not_finite:
        names = ", ".join(report.not_finite[:3])
        tell(f"warning: {len(report.not_finite)} tensors hold values that the output type cannot hold: {names}")
    if arguments.json:
        say_json({"output": str(output), **asdict(report), "plan": plan_document(plan)})
    elif not arguments.quiet:
        total = report.bytes_read + report.bytes_written
        speed = format_bytes(total / max(report.seconds, 1e-3))
        say(f"wrote {output} ({format_bytes(output.stat().st_size)}) in {format_seconds(report.seconds)}, {speed}/s")
    return exit_codes.DONE


COMMAND = Command("merge", "merge checkpoints by a formula into a new file", _configure, _run)
