import gzip
import os
import time
from pathlib import Path

import pytest

from lib_kohaku.prompt.chunks import ClipTokenizer, EstimatingTokenizer, best_tokenizer, find_vocabulary
from lib_kohaku.prompt.chunks.words import words
from lib_kohaku.prompt.syntax import PromptError
from tests.prompt.support import recorded


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Long hair, solo!!?", ["Long", "hair", ",", "solo", "!!?"]),
        ("year 2023", ["year", "2", "0", "2", "3"]),
        ("it's DON'T 'a", ["it", "'s", "DON", "'T", "'", "a"]),
        ("o_o x² ½", ["o", "_", "o", "x", "²", "½"]),
        ("猫耳\u3000é", ["猫耳", "é"]),
        ("", []),
    ],
)
def test_words(text, cut):
    found = list(words(text))
    assert [word.text for word in found] == cut
    assert all(text[word.start : word.end] == word.text for word in found)


def test_pieces_are_joined_in_the_order_of_the_merges():
    tokenizer = ClipTokenizer([("l", "o"), ("n", "g</w>"), ("lo", "ng</w>"), ("o", "n")])
    alphabet = 2 * 256
    assert [token.number for token in tokenizer.tokenize("long")] == [alphabet + 2]
    # "lo" was learned before "on", and "n" alone is left.
    assert [token.number for token in tokenizer.tokenize("lon")] == [alphabet, ord("n") - ord("!") + 256]
    assert tokenizer.comma == ord(",") - ord("!") + 256


def test_numbers_of_the_alphabet_begin_at_the_exclamation_mark():
    assert [token.number for token in ClipTokenizer([]).tokenize("!")] == [256]


def vocabulary():
    path = os.environ.get("KOHAKU_CLIP_VOCABULARY")
    return Path(path) if path else find_vocabulary()


def test_clips_own_numbers():
    path = vocabulary()
    if path is None:
        pytest.skip("no installed package has CLIP's vocabulary; set KOHAKU_CLIP_VOCABULARY to the file")
    begin = time.process_time()
    tokenizer = ClipTokenizer.load(path)
    assert time.process_time() - begin < 5
    assert tokenizer.comma == 267
    for row in recorded("clip_tokens.jsonl"):
        assert [token.number for token in tokenizer.tokenize(row["text"])] == row["tokens"], row["text"]


def test_a_word_without_end_takes_no_long_time():
    begin = time.process_time()
    tokens = ClipTokenizer([("a", "a"), ("aa", "aa")]).tokenize("a" * 50_000)
    assert len(tokens) == pytest.approx(12_500, rel=0.1)
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("content", [b"", b"not gzip", gzip.compress(b"\xff\xfe"), gzip.compress(b"#\na b\n")])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "bpe_simple_vocab_16e6.txt.gz"
    path.write_bytes(content)
    with pytest.raises(PromptError, match="bpe_simple_vocab"):
        ClipTokenizer.load(path)


def test_the_estimate_says_so_and_is_not_far_off():
    tokenizer = EstimatingTokenizer()
    assert not tokenizer.exact
    for row in recorded("clip_tokens.jsonl"):
        if row["text"].isascii() and len(row["text"]) > 20:
            assert len(tokenizer.tokenize(row["text"])) == pytest.approx(len(row["tokens"]), rel=0.5), row["text"]
    assert [token.number for token in tokenizer.tokenize("a, b")] == [0, tokenizer.comma, 0]


def test_the_best_tokenizer_is_exact_where_there_is_a_vocabulary():
    assert best_tokenizer().exact == (find_vocabulary() is not None)
