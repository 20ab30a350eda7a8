import math

import pytest

from lib_kohaku.prompt.syntax import UnreadableWeightError, attention, read
from lib_kohaku.prompt.syntax.attention import EXACT_DEPTH


def test_empty_text_is_one_empty_piece():
    assert attention("") == [("", 1.0)]
    assert attention("()") == [("", 1.0)]


def test_round_and_square_brackets_do_not_know_each_other():
    assert [(text, round(weight, 9)) for text, weight in attention("(a [b) c]")] == [
        ("a ", 1.1),
        ("b", 1.0),
        (" c", round(1 / 1.1, 9)),
    ]


def test_weights_multiply_from_the_inside_out():
    # (0.7 * 1.3) * 1.3 is not (1.3 * 1.3) * 0.7 in floating point; the webui closes the inner brackets first.
    assert attention("(((a:0.7):1.3):1.3)") == [("a", 0.7 * 1.3 * 1.3)]
    assert 0.7 * 1.3 * 1.3 != 1.3 * 1.3 * 0.7


def test_unclosed_brackets_multiply_last_and_the_outermost_first():
    (piece,) = attention("([(a:3.3")
    assert piece == ("a:3.3", 1.1 * 1.1 * (1 / 1.1))


def test_break_is_a_piece_of_its_own_that_eats_the_blanks():
    assert attention("a \n BREAK  b") == [("a", 1.0), ("BREAK", -1), ("b", 1.0)]
    assert attention("aBREAK") == [("aBREAK", 1.0)]


@pytest.mark.parametrize("text", ["(a:1.2.3)", "(a:.)", "((b:+..1) c)"])
def test_numbers_that_stop_the_webui(text):
    with pytest.raises(UnreadableWeightError) as caught:
        attention(text)
    assert text[caught.value.start :].startswith(caught.value.number)


def test_the_same_number_without_an_open_bracket_is_text():
    assert attention("a:1.2.3)") == [("a:1.2.3)", 1.0)]


def test_beyond_the_exact_depth_only_the_rounding_differs():
    depth = EXACT_DEPTH * 3
    (piece,) = attention("(" * depth + "a" + ":1.01)" * depth)
    assert math.isclose(piece.weight, 1.01**depth, rel_tol=1e-12)


def test_read_gives_the_words():
    assert read(r"(saber \(fate\):1.2), [x], \m/") == "saber (fate), x, m/"
