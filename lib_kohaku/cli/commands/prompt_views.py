"""How ``kohaku prompt`` shows what it found: as JSON documents and as lines for people."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

from lib_kohaku.cli.commands.prompt_knowledge import Knowledge
from lib_kohaku.prompt.chunks import ChunkedPart, chunk_prompt
from lib_kohaku.prompt.format import FormatResult, format_prompt
from lib_kohaku.prompt.lint import Finding, Fix, lint
from lib_kohaku.prompt.syntax import Edit, Span, attention, multicond, schedule, visible

# As in the recorded vectors: enough to tell weights apart, and free of the noise of the last bits.
_DECIMALS = 6
Document = dict[str, Any]


def as_json(document: Document, indent: int | None = None) -> str:
    """JSON in ASCII, so that every terminal takes it, whatever the prompt holds."""
    return json.dumps(document, indent=indent, allow_nan=False)


def _weight(weight: float) -> float | None:
    """Rounded; None for weights that went beyond all numbers, which JSON has no word for."""
    return round(weight, _DECIMALS) if math.isfinite(weight) else None


def stages(text: str, knowledge: Knowledge) -> Document:
    """What the webui's three parsers make of the text as it stands, comments and networks still in it.

    Raises:
        UnreadableWeightError: If the webui would stop with an error.
    """
    conditions = multicond(text)
    return {
        "prompt": text,
        "attention": [[piece, _weight(weight)] for piece, weight in attention(text)],
        "multicond": [[part, _weight(weight)] for part, weight in conditions],
        "schedule": [[entry.last_step, entry.text] for entry in schedule(conditions[0].text, knowledge.steps)],
    }


def _parse_document(text: str, knowledge: Knowledge) -> Document:
    parts = chunk_prompt(text, knowledge.tokenizer, knowledge.dialect, steps=knowledge.steps)
    return {**stages(text, knowledge), "parts": [_part_document(part) for part in parts]}


def _part_document(part: ChunkedPart) -> Document:
    return {
        "tokens": part.tokens,
        "limit": part.limit,
        "exact": part.exact,
        "last_step": part.last_step,
        "chunks": [
            {"tokens": chunk.tokens, "start": chunk.start, "end": chunk.end, "ending": chunk.ending.value}
            for chunk in part.chunks
        ],
    }


def _parse_lines(text: str, knowledge: Knowledge) -> Iterator[str]:
    shown = visible(text, comments=knowledge.dialect.comments)
    conditions = [(shown, 1.0)] if knowledge.dialect.negative else multicond(shown)
    chunked = chunk_prompt(text, knowledge.tokenizer, knowledge.dialect, steps=knowledge.steps)
    for number, ((part, weight), counted) in enumerate(zip(conditions, chunked, strict=True), start=1):
        about = "" if counted.exact else "about "
        yield f"part {number}: guidance x{weight:g}, {about}{counted.tokens}/{counted.limit} tokens"
        for entry in schedule(part, knowledge.steps):
            yield f"  to step {entry.last_step}:"
            for piece, value in attention(entry.text):
                yield f"    {value:>6.4g}  {json.dumps(_printable(piece), ensure_ascii=False)}"


def _format(text: str, knowledge: Knowledge) -> FormatResult:
    return format_prompt(text, knowledge.spec, knowledge.lookup, knowledge.dialect)


def _format_document(text: str, knowledge: Knowledge) -> Document:
    result = _format(text, knowledge)
    return {
        "prompt": text,
        "formatted": result.after,
        "changed": result.changed,
        "moves": [
            {"text": m.text, "class": m.tag_class.value, "from": _span(m.source), "to": _span(m.target)}
            for m in result.moves
        ],
        "notes": [{"span": _span(note.span), "message": note.message} for note in result.notes],
        "edits": _edits(result.edits),
    }


def _format_lines(text: str, knowledge: Knowledge) -> Iterator[str]:
    yield _printable(_format(text, knowledge).after)


def _lint_document(text: str, knowledge: Knowledge) -> Document:
    findings = lint(text, knowledge.spec, knowledge.lookup, knowledge.dialect)
    return {"prompt": text, "findings": [_finding(finding, text) for finding in findings]}


def _finding(finding: Finding, text: str) -> Document:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "span": _span(finding.span),
        "message": finding.message,
        "fixes": [_fix(fix, text) for fix in finding.fixes],
    }


def _fix(fix: Fix, text: str) -> Document:
    return {"label": fix.label, "edits": _edits(fix.edits), "result": fix.apply(text)}


def _lint_lines(text: str, knowledge: Knowledge) -> Iterator[str]:
    findings = lint(text, knowledge.spec, knowledge.lookup, knowledge.dialect)
    for finding in findings:
        place = f"{finding.span.start + 1}-{finding.span.end}"
        yield _printable(f"{place}: {finding.severity.value}: {finding.message} [{finding.code}]")
        for fix in finding.fixes:
            yield _printable(f"    {fix.label}")
    if not findings:
        yield "nothing to say"


def _span(span: Span) -> list[int]:
    return [span.start, span.end]


def _edits(edits: tuple[Edit, ...]) -> list[Document]:
    return [{"start": edit.start, "end": edit.end, "text": edit.replacement} for edit in edits]


def _printable(text: str) -> str:
    """The text for a terminal: lone surrogates, which cannot be written, become question marks."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


DOCUMENTS: dict[str, Callable[[str, Knowledge], Document]] = {
    "parse": _parse_document,
    "format": _format_document,
    "lint": _lint_document,
}
LINES: dict[str, Callable[[str, Knowledge], Iterator[str]]] = {
    "parse": _parse_lines,
    "format": _format_lines,
    "lint": _lint_lines,
}
