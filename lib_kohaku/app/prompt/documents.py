"""What the page gets to see, as JSON documents. Offsets are in code points; the page turns them into its own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from lib_kohaku.app.prompt.checks import Checks
from lib_kohaku.app.prompt.completion import Completions
from lib_kohaku.app.prompt.infotext import Infotext
from lib_kohaku.app.prompt.ordering import FormatPreview, Piece
from lib_kohaku.app.prompt.parts import Chip, Row
from lib_kohaku.app.prompt.post_captions import CaptionOf
from lib_kohaku.app.prompt.preset_shelf import Entry
from lib_kohaku.app.prompt.tag_shelf import Shelf
from lib_kohaku.app.prompt.words import Picker
from lib_kohaku.prompt.chunks import ChunkedPart
from lib_kohaku.prompt.lint import Finding
from lib_kohaku.prompt.presets.model import Preset
from lib_kohaku.prompt.sizes.advice import Finding as SettingsFinding
from lib_kohaku.prompt.sizes.hires import Hires
from lib_kohaku.prompt.sizes.legal import Size
from lib_kohaku.prompt.syntax import apply_edits
from lib_kohaku.prompt.tags.search import Hit

Document = dict[str, Any]
_TAGS_SHOWN = 12


def completions(found: Completions) -> Document:
    """Tags that complete what is typed."""
    hits = [
        {
            "name": hit.name,
            "label": hit.label,
            "insert": hit.insert,
            "category": hit.category,
            "posts": hit.posts,
            "match": hit.match.value,
            "matched": hit.matched,
            "strength": hit.strength.value,
            "present": hit.present,
        }
        for hit in found.hits
    ]
    return {"start": found.start, "end": found.end, "suffix": found.suffix, "hits": hits}


def tag_hit(found: Hit) -> Document:
    """A tag that was searched for."""
    return {
        "name": found.tag.name,
        "category": found.tag.category.value,
        "posts": found.tag.posts,
        "match": found.match.value,
        "matched": found.matched,
        "profile_word": found.tag.profile_word,
        "aliases": list(found.tag.aliases),
    }


def checks(found: Checks, text: str) -> Document:
    """What is said about a prompt; every fix comes with the prompt that it gives."""
    return {
        "findings": [_finding(finding, text) for finding in found.findings],
        "parts": [_part(part) for part in found.parts],
        "words": {tag_class.value: list(words) for tag_class, words in found.words.items()},
        "problem": found.problem,
    }


def _finding(finding: Finding, text: str) -> Document:
    fixes = [{"label": fix.label, "result": apply_edits(text, fix.edits)} for fix in finding.fixes]
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "start": finding.span.start,
        "end": finding.span.end,
        "message": finding.message,
        "fixes": fixes,
    }


def _part(part: ChunkedPart) -> Document:
    chunks = [
        {"tokens": chunk.tokens, "start": chunk.start, "end": chunk.end, "ending": chunk.ending.value}
        for chunk in part.chunks
    ]
    return {"tokens": part.tokens, "limit": part.limit, "exact": part.exact, "chunks": chunks}


def format_preview(found: FormatPreview) -> Document:
    """What Format would do."""
    return {
        "before": found.before,
        "after": found.after,
        "was": _pieces(found.was),
        "becomes": _pieces(found.becomes),
        "missing": [{"kind": m.tag_class.value, "words": list(m.words)} for m in found.missing],
        "notes": list(found.notes),
    }


def _pieces(pieces: Iterable[Piece]) -> list[Document]:
    return [{"text": piece.text, "change": piece.change.value, "kind": piece.tag_class} for piece in pieces]


def picker(found: Picker) -> Document:
    """The words of one kind."""
    options = [{"label": option.label, "words": list(option.words), "hint": option.hint} for option in found.options]
    return {"kind": found.tag_class.value, "options": options, "usual": list(found.usual)}


def row(found: Row) -> Document:
    """The elements of one kind."""
    return {"kind": found.tag_class.value, "chips": [_chip(chip) for chip in found.chips]}


def _chip(chip: Chip) -> Document:
    # A weight of a thousand digits is one to the webui too, but JSON has no word for infinity.
    weight = chip.weight if chip.weight is not None and math.isfinite(chip.weight) else None
    return {
        "start": chip.start,
        "end": chip.end,
        "text": chip.text,
        "name": chip.name,
        "weight": None if weight is None else round(weight, 3),
        "posts": chip.posts,
        "strength": chip.strength.value,
    }


def size(found: Size | None) -> Document | None:
    """A size in pixels."""
    return None if found is None else {"width": found.width, "height": found.height}


def settings_finding(found: SettingsFinding) -> Document:
    """A setting outside of what the model's source states, with the nearest value inside."""
    better = found.better
    changes = size(better) if isinstance(better, Size) else {found.setting: better}
    return {"setting": found.setting, "message": found.message, "better": changes}


def hires(found: Hires | None) -> Document | None:
    """A hires fix."""
    return None if found is None else asdict(found)


def tags(shelf: Shelf) -> Document:
    """What tags there are."""
    return {
        "count": len(shelf.search.index),
        "sources": list(shelf.sources),
        "problems": list(shelf.problems),
        "loading": shelf.loading,
        "complete": shelf.complete,
    }


def preset_card(entry: Entry) -> Document:
    """A preset in the list."""
    preset = entry.preset
    return {
        "name": preset.name,
        "own": entry.own,
        "picture": entry.picture,
        "description": preset.description,
        "profile": preset.profile,
        "size": size(preset.size),
        "tags": list(preset.parts.items())[:_TAGS_SHOWN],
    }


def preset_values(preset: Preset, prompt: str) -> Document:
    """What a preset sets; None and empty texts leave what is set."""
    return {
        "prompt": prompt,
        "negative": preset.negative,
        "size": size(preset.size),
        "cfg": preset.cfg,
        "steps": preset.steps,
        "sampler": preset.sampler,
        "scheduler": preset.scheduler,
        "clip_skip": preset.clip_skip,
        "hires": hires(preset.hires),
        "profile": preset.profile,
    }


def infotext(found: Infotext) -> Document:
    """What an infotext sets; None and empty texts leave what is set."""
    return {
        "prompt": found.prompt,
        "negative": found.negative,
        "size": size(found.size),
        "cfg": found.cfg,
        "steps": found.steps,
        "sampler": found.sampler,
        "scheduler": found.scheduler,
        "clip_skip": found.clip_skip,
        "hires": hires(found.hires),
        "model": found.model,
    }


def caption(found: CaptionOf) -> Document:
    """A post in the model's words."""
    return {
        "id": found.post.id,
        "prompt": found.caption.prompt(),
        "caption": found.caption.text(),
        "notes": list(found.caption.notes),
    }
