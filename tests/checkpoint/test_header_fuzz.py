"""Thousands of damaged headers: a clear refusal or success, never a crash, a wait or a large allocation.

The official library judges the same bytes. Where the two differ, the difference has to be one of a short list.
"""

from __future__ import annotations

import copy
import json
import os
import random
import time
import tracemalloc
from typing import Any

import pytest
import safetensors

from lib_kohaku.checkpoint.header import parse_header
from lib_kohaku.errors import CheckpointError
from tests.support.files import entry, header_bytes

ROUNDS = 100_000 if os.environ.get("KOHAKU_THOROUGH") else 8_000
SAMPLE = {
    "__metadata__": {"format": "pt", "modelspec.title": "Ünïcode 花"},
    "model.diffusion_model.out.2.weight": entry("F16", [4, 2, 1, 1], 0, 16),
    "model.diffusion_model.out.2.bias": entry("F32", [4], 16, 32),
    "ids": entry("I64", [1, 2], 32, 48),
    "scalar": entry("BF16", [], 48, 50),
    "empty": entry("U8", [0, 7], 50, 50),
}
DATA = bytes(50)
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 16, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 2**65, 0.5, 1e308, "", "F16", "F8_E5M2",
    "F4", "I64", "x", [], [0], [1, 2], {}, {"dtype": "F16"}, "\ud800", "\x00",
]  # fmt: skip


def official_accepts(content: bytes) -> bool:
    try:
        safetensors.deserialize(content)
    except Exception:  # its error type moved between the versions
        return False
    return True


def our_verdict(content: bytes) -> str | None:
    """None if accepted, else the refusal."""
    try:
        parse_header(content, len(content), "fuzz.safetensors")
    except CheckpointError as error:
        assert str(error).startswith("fuzz.safetensors: ")
        return str(error)
    return None


def mutate_document(chooser: random.Random) -> bytes:
    """The sample with one to three values, keys or offsets changed."""
    document = json.loads(json.dumps(SAMPLE))
    for _ in range(chooser.randint(1, 3)):
        holder: Any = document
        key: Any = chooser.choice(list(document)) if document else None
        while key is not None and isinstance(holder[key], (dict, list)) and holder[key] and chooser.random() < 0.8:
            holder = holder[key]
            key = chooser.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if key is None:
            break
        action = chooser.random()
        if action < 0.5:
            holder[key] = copy.deepcopy(chooser.choice(VALUES))
        elif action < 0.65:
            del holder[key]
        elif action < 0.8 and isinstance(holder, dict):
            holder[str(chooser.choice(VALUES))] = holder[key]
        elif isinstance(holder[key], int):
            holder[key] += chooser.choice((-1, 1, 2, 16))
        else:
            holder[key] = json.loads(json.dumps(document))
    return header_bytes(document) + DATA


def mutate_bytes(chooser: random.Random) -> bytes:
    """The sample with bytes changed, removed, doubled, or with the file cut or grown."""
    content = bytearray(header_bytes(SAMPLE) + DATA)
    for _ in range(chooser.randint(1, 4)):
        place = chooser.randrange(len(content)) if content else 0
        action = chooser.randrange(5)
        if action == 0 and content:
            content[place] ^= 1 << chooser.randrange(8)
        elif action == 1:
            del content[place : place + chooser.randint(1, 9)]
        elif action == 2:
            content[place:place] = content[place : place + chooser.randint(1, 30)]
        elif action == 3:
            content[place : place + 1] = chooser.choice((b'"', b"{", b"}", b"[", b",", b"\x00", b"\xff", b"9", b"\\u"))
        else:
            content = content[: max(0, len(content) - chooser.randint(1, 40))]
    return bytes(content)


def known_difference(content: bytes, refusal: str | None) -> bool:
    """Where we are stricter or newer than the official library, on purpose."""
    if refusal is None:
        # Sub-byte and further element types came to the official library after the oldest version that we support.
        header = content[8:].decode("utf-8", "replace")
        # Further fields of an entry are ignored by both, but we do not look at their names either.
        return any(name in header for name in ('"F4"', '"F6_', '"F8_', '"C64"', '"\\ud800"'))
    # Names given twice: the official library takes the last (metadata) or refuses (tensors), by where they stand.
    # Sizes of 2^63 and more: no tensor has them. Everything else that it accepts, we accept.
    return "twice" in refusal or "sizes" in refusal or "ascending offsets" in refusal


@pytest.mark.parametrize("mutate", [mutate_document, mutate_bytes])
def test_mutated_headers(mutate: Any) -> None:
    chooser = random.Random(20231101)
    accepted = 0
    for round_number in range(ROUNDS):
        content = mutate(chooser)
        began = time.monotonic()
        refusal = our_verdict(content)
        assert time.monotonic() - began < 1.0
        official = official_accepts(content)
        accepted += refusal is None
        if official != (refusal is None):
            assert known_difference(content, refusal), (round_number, official, refusal, content)
    assert 0 < accepted < ROUNDS / 2, "the mutations should be neither harmless nor hopeless"


def test_both_accept_the_sample() -> None:
    content = header_bytes(SAMPLE) + DATA
    assert official_accepts(content)
    assert our_verdict(content) is None


def test_memory_follows_the_file_not_its_claims() -> None:
    chooser = random.Random(5)
    for _ in range(300):
        content = mutate_document(chooser)
        tracemalloc.start()
        try:
            our_verdict(content)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 100_000 + 60 * len(content)


def test_memory_of_a_large_header() -> None:
    """Many tensors: parsed objects take a multiple of the text, but a bounded one."""
    content = header_bytes({f"t{i}": entry("U8", [0], 0, 0) for i in range(20_000)})
    tracemalloc.start()
    try:
        assert our_verdict(content) is None
        assert tracemalloc.get_traced_memory()[1] < 40 * len(content)
    finally:
        tracemalloc.stop()
