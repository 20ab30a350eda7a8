"""Chunks against what the webui's own code did, with a toy tokenizer that needs no vocabulary."""

import re
import time

import pytest
from hypothesis import given

from lib_kohaku.prompt.chunks import CHUNK, Ending, Token, WordwiseTokenizer, chunk_prompt
from lib_kohaku.prompt.syntax import NEGATIVE, UnreadableWeightError
from tests.prompt.support import many, prompts, recorded

COMMA = 267


class ToyTokenizer:
    """A token per five letters, per digit, and per run of anything else."""

    comma = COMMA
    exact = True

    def tokenize(self, text):
        tokens = []
        for match in re.finditer(r"[a-z]+|[0-9]|[^\sa-z0-9]+", text.lower()):
            word = match.group()
            tokens += [Token(COMMA if word == "," else 1, *match.span())] * (1 if word == "," else len(word) // 5 + 1)
        return tokens


TOY = ToyTokenizer()


def test_the_webuis_chunks():
    rows = recorded("host_chunks.jsonl")
    assert len(rows) == 120
    for row in rows:
        (part,) = chunk_prompt(row["prompt"], TOY, backtrack=row["backtrack"])
        assert [chunk.tokens for chunk in part.chunks] == row["chunks"], row["prompt"]
        assert (part.tokens, part.limit) == (row["tokens"], row["limit"])


def cut(text, **options):
    """Text and ending of each chunk."""
    (part,) = chunk_prompt(text, TOY, **options)
    return [(text[chunk.start : chunk.end], chunk.ending) for chunk in part.chunks]


def test_words_behind_the_last_comma_move_on_as_a_whole():
    text = ", ".join(["a"] * 36) + ", b c d e f"
    assert cut(text) == [(", ".join(["a"] * 36) + ",", Ending.COMMA), ("b c d e f", Ending.PROMPT)]
    assert cut(text, backtrack=0)[0] == (", ".join(["a"] * 36) + ", b c d", Ending.FULL)


def test_break_ends_a_chunk_unless_it_is_weighted():
    assert cut("a, b BREAK (c)") == [("a, b", Ending.BREAK), ("c", Ending.PROMPT)]
    assert cut("(a BREAK c:1.2)") == [("a BREAK c", Ending.PROMPT)]
    assert cut("BREAK") == [("", Ending.BREAK)]
    assert cut("") == [("", Ending.PROMPT)]


def test_places_are_those_of_the_typed_text():
    text = "<lora:x:1>a # note\n, BREAK \\(d\\), [b:(ccccc:1.2):0.5]"
    assert [place for place, _ in cut(text)] == ["a # note\n,", "(d\\), [b:(ccccc"]


def test_the_step_with_the_most_tokens_counts():
    (part,) = chunk_prompt("[a:bbbbb ccccc ddddd:5]", TOY, steps=10)
    assert (part.tokens, part.last_step) == (6, 10)
    (part,) = chunk_prompt("[bbbbb ccccc ddddd:a:5]", TOY, steps=10)
    assert (part.tokens, part.last_step) == (6, 5)


def test_parts_are_counted_apart_and_negative_prompts_have_none():
    assert [part.tokens for part in chunk_prompt("a, b AND c:0.5", TOY)] == [3, 1]
    assert [part.tokens for part in chunk_prompt("a, b AND c:0.5", TOY, NEGATIVE)] == [9]


def test_a_prompt_that_stops_the_webui():
    with pytest.raises(UnreadableWeightError):
        chunk_prompt("(a:1.2.3)", TOY)


@many(300)
@given(prompts)
def test_chunks_are_never_too_long_and_in_order(text):
    try:
        parts = chunk_prompt(text, TOY)
    except UnreadableWeightError:
        return
    for part in parts:
        assert part.chunks
        assert part.tokens <= part.limit
        position = 0
        for chunk in part.chunks:
            assert 0 <= chunk.tokens <= CHUNK
            if chunk.tokens:
                assert position <= chunk.start < chunk.end <= len(text)
                position = chunk.start


def test_a_long_prompt_takes_no_long_time():
    begin = time.process_time()
    (part,) = chunk_prompt("long hair, " * 10_000, TOY)
    assert part.tokens == 30_000
    assert time.process_time() - begin < 10


def test_a_tokenizer_that_knows_numbers_only():
    numbers = {"long": [1], "hairstyle": [2, 3], ",": [9]}
    tokenizer = WordwiseTokenizer(lambda word: numbers[word], comma=9)
    assert tokenizer.tokenize("long hairstyle,") == [
        Token(1, 0, 4),
        Token(2, 5, 14),
        Token(3, 5, 14),
        Token(9, 14, 15),
    ]
