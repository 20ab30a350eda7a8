"""``kohaku fp8``: convert, expand, import, report."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.output import say, say_json
from lib_kohaku.cli.progress_bar import ProgressBar

if TYPE_CHECKING:
    from lib_kohaku.fp8.policy import Policy
    from lib_kohaku.fp8.policy.automatic import Refinement


def _configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _configure_convert(actions.add_parser("convert", help="write a checkpoint with weights in fp8"))
    expand = actions.add_parser("expand", help="write an fp8 checkpoint of any supported scheme in 16 or 32 bit")
    _add_files(expand)
    expand.add_argument("--dtype", choices=("fp16", "bf16", "fp32"), default="fp16", help="type of what was fp8")
    unpack = actions.add_parser("import", help="take a safetensors file out of a zip")
    _add_files(unpack)
    unpack.add_argument("--entry", metavar="PATH", help="which file of the zip, if there are several")
    _configure_report(actions.add_parser("report", help="what is fp8 in a file, or what converting it would do"))


def _configure_convert(parser: argparse.ArgumentParser) -> None:
    _add_files(parser)
    parser.add_argument("--profile", choices=("webui", "comfyui", "plain"), required=True, help="for which program")
    _add_policy(parser)
    _add_protection(parser)
    parser.add_argument("--no-quality", action="store_true", help="do not measure what is lost (faster)")
    parser.add_argument("--no-hash", action="store_true", help="do not note the source's SHA-256 in the metadata")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_protection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--protect",
        nargs="?",
        type=_between(0, 60),
        const=24.0,
        metavar="DB",
        help="weights with a channel below that signal to noise (24 dB) get a scale per channel, or stay as they are",
    )
    megabytes = _between(0, 1e6)
    parser.add_argument(
        "--protect-budget", type=megabytes, default=50.0, metavar="MB", help="what that may take (50 MB)"
    )


def _between(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:  # NaN too
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    return read


def _configure_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a checkpoint")
    _add_policy(parser)
    parser.add_argument("--original", metavar="FILE", help="what an fp8 file was converted from, to compare with")
    parser.add_argument("--no-quality", action="store_true", help="only sizes: reads nothing but the header")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", metavar="IN", help="the file to read; it is not changed")
    parser.add_argument("output", metavar="OUT", help="the file to write, ending in .safetensors")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")


def _add_policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("e4m3fn", "e5m2"), default="e4m3fn", help="e4m3fn is 6 dB better")
    parser.add_argument("--text-encoders", action="store_true", help="convert them as well as the UNet")
    parser.add_argument("--per-channel", action="store_true", help="a scale for each output channel")
    parser.add_argument("--keep", action="append", default=[], metavar="PATTERN", help="weights that stay in 16 bit")


def _run(arguments: argparse.Namespace) -> int:
    bar = ProgressBar()
    actions = {"convert": _convert, "expand": _expand, "import": _import, "report": _report}
    with bar.stops_on_interrupt():
        actions[arguments.action](arguments, bar)
    return exit_codes.DONE


def _convert(arguments: argparse.Namespace, bar: ProgressBar) -> None:
    from lib_kohaku.fp8.files.convert import check_paths, convert_file
    from lib_kohaku.fp8.files.exceptions import describe_exceptions
    from lib_kohaku.fp8.files.plan import Profile
    from lib_kohaku.fp8.files.text import describe_conversion

    source, output = Path(arguments.input), Path(arguments.output)
    _refuse_zip(source)
    check_paths(source, output, overwrite=arguments.overwrite)
    refinement = _exceptions(arguments, source, bar)
    report = convert_file(
        source,
        output,
        Profile(arguments.profile),
        _policy(arguments) if refinement is None else refinement.policy,
        sha256="" if arguments.no_hash else _sha256(source, bar),
        overwrite=arguments.overwrite,
        with_quality=not arguments.no_quality,
        progress=bar,
    )
    if arguments.json:
        exceptions = {} if refinement is None else {"exceptions": refinement.to_json()}
        say_json({**report.to_json(), **exceptions})
        return
    for line in describe_conversion(report):
        say(line)
    if refinement is not None:
        say(describe_exceptions(refinement))


def _exceptions(arguments: argparse.Namespace, source: Path, bar: ProgressBar) -> Refinement | None:
    if arguments.protect is None:
        return None
    from lib_kohaku.fp8.files.exceptions import find_exceptions
    from lib_kohaku.fp8.files.plan import Profile
    from lib_kohaku.fp8.policy.automatic import Limits

    limits = Limits(arguments.protect, round(arguments.protect_budget * 1e6))
    return find_exceptions(source, Profile(arguments.profile), _policy(arguments), limits, bar)


def _expand(arguments: argparse.Namespace, bar: ProgressBar) -> None:
    from lib_kohaku.checkpoint.dtypes import OUTPUT_DTYPES
    from lib_kohaku.fp8.files.convert import check_paths, expand_file
    from lib_kohaku.fp8.files.text import describe_conversion

    source, output = Path(arguments.input), Path(arguments.output)
    _refuse_zip(source)
    check_paths(source, output, overwrite=arguments.overwrite)
    report = expand_file(
        source,
        output,
        OUTPUT_DTYPES[arguments.dtype],
        sha256=_sha256(source, bar),
        overwrite=arguments.overwrite,
        progress=bar,
    )
    for line in describe_conversion(report):
        say(line)


def _import(arguments: argparse.Namespace, bar: ProgressBar) -> None:
    from lib_kohaku.fp8.files.archive import import_entry
    from lib_kohaku.units import format_bytes

    source, output = Path(arguments.input), Path(arguments.output)
    entry = import_entry(source, output, arguments.entry, overwrite=arguments.overwrite, progress=bar)
    say(f"{entry.name}: {format_bytes(entry.packed)} in the zip, {format_bytes(entry.size)} as {output.name}")


def _report(arguments: argparse.Namespace, bar: ProgressBar) -> None:
    from lib_kohaku.fp8.files.report import report_file
    from lib_kohaku.fp8.files.text import describe_file

    source = Path(arguments.file)
    _refuse_zip(source)
    report = report_file(
        source,
        _policy(arguments),
        original=Path(arguments.original) if arguments.original else None,
        with_quality=not arguments.no_quality,
        progress=bar,
    )
    if arguments.json:
        say_json(report.to_json())
    else:
        for line in describe_file(report):
            say(line)


def _policy(arguments: argparse.Namespace) -> Policy:
    from lib_kohaku.fp8.codecs import Scaling, format_named
    from lib_kohaku.fp8.policy import Policy

    return Policy(
        fmt=format_named(arguments.format),
        scaling=Scaling.CHANNEL if arguments.per_channel else Scaling.TENSOR,
        text_encoders=arguments.text_encoders,
        keep=tuple(arguments.keep),
    )


def _sha256(source: Path, bar: ProgressBar) -> str:
    from lib_kohaku.checkpoint.hashes import HashCache, default_cache_path

    cache = HashCache(default_cache_path())
    known = cache.get(source)
    if known is None and source.is_file():
        bar.start(f"Hashing {source.name}", source.stat().st_size, "bytes")
        known = cache.sha256(source, bar)
    return known or ""


def _refuse_zip(source: Path) -> None:
    """A zip that holds a safetensors file is not read in place; say what to do instead."""
    import zipfile

    from lib_kohaku.fp8.errors import Fp8FileError

    if source.suffix.lower() == ".zip" and zipfile.is_zipfile(source):
        raise Fp8FileError(f"{source.name} is a zip; take the model out with `kohaku fp8 import` first.")


COMMAND = Command("fp8", "convert checkpoints to 8 bit and back, and see what that costs", _configure, _run)
