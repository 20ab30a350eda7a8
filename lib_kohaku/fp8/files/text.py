"""Reports as lines of text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from lib_kohaku.fp8.files.convert import ConversionReport
from lib_kohaku.fp8.files.report import FileReport
from lib_kohaku.fp8.policy import MemoryTable
from lib_kohaku.fp8.quality import WeightQuality, summarise
from lib_kohaku.units import format_bytes, format_seconds

_WORST_SHOWN = 8
_BAR = 24


def describe_conversion(report: ConversionReport) -> Iterator[str]:
    """What a conversion did."""
    yield f"{report.architecture}: {format_bytes(report.bytes_read)} read, {format_bytes(report.bytes_written)} written"
    yield from describe_memory(report.memory)
    if report.carried:
        yield f"{report.carried} weights were fp8 already and were taken over as they are"
    if report.dropped:
        yield f"{len(report.dropped)} scales of activations were left out: nothing here uses them"
    yield from describe_quality(report.qualities)
    yield f"done in {format_seconds(report.seconds)}"


def describe_file(report: FileReport) -> Iterator[str]:
    """What is in a file, or what converting it would do."""
    yield f"{report.name}: {report.architecture}"
    if report.scheme:
        formats = ", ".join(f"{count} x {name}" for name, count in report.formats)
        made = f", made for {report.profile}" if report.profile else ""
        yield f"fp8, {report.scheme} scheme ({formats}){made}; 'before' is the same model in 16 bit"
        if report.source_sha256:
            yield f"converted from the file with SHA-256 {report.source_sha256}"
    else:
        yield "not fp8; 'after' is what converting it would give"
    yield from describe_memory(report.memory)
    yield from describe_quality(report.qualities)


def describe_memory(table: MemoryTable) -> Iterator[str]:
    """A row per component, with a bar of what is left of it."""
    yield f"{'component':<12}{'before':>10}{'after':>10}{'fp8':>7}  {'types after'}"
    for row in table.rows:
        types = ", ".join(f"{dtype} {format_bytes(nbytes)}" for dtype, nbytes in row.by_dtype)
        before, after = format_bytes(row.before), format_bytes(row.after)
        yield f"{row.component:<12}{before:>10}{after:>10}{row.converted:>7}  {types}"
    share = table.after / table.before if table.before else 1.0
    bar = "#" * round(share * _BAR)
    total = f"{'all':<12}{format_bytes(table.before):>10}{format_bytes(table.after):>10}"
    yield f"{total}{sum(row.converted for row in table.rows):>7}  [{bar:<{_BAR}}] {share:.0%}"


def describe_quality(qualities: Sequence[WeightQuality]) -> Iterator[str]:
    """The summary and the worst weights."""
    if not qualities:
        return
    summary = summarise(qualities)
    lowest, channel = _decibels(summary.lowest_db), _decibels(summary.lowest_channel_db)
    yield (
        f"{summary.weights} weights: SQNR median {_decibels(summary.median_db)}, lowest {lowest}, "
        f"worst channel {channel}; {summary.flushed:.2%} of the weights became zero"
    )
    yield f"{'SQNR':>9}{'worst ch.':>11}{'to zero':>9}{'max error':>11}  the worst channels"
    for quality in sorted(qualities, key=lambda quality: quality.worst_channel_db)[:_WORST_SHOWN]:
        yield (
            f"{_decibels(quality.sqnr_db):>9}{_decibels(quality.worst_channel_db):>11}{quality.flushed:>9.2%}"
            f"{quality.max_error:>11.2g}  {quality.name}"
        )


def _decibels(value: float) -> str:
    return f"{value:.1f} dB" if math.isfinite(value) else "exact"
