import pytest

from lib_kohaku.prompt.syntax import Edit, EditError, apply_edits


def test_edits_refer_to_the_text_before():
    assert apply_edits("abcdef", [Edit(4, 5, ""), Edit(0, 1, "XY"), Edit(2, 2, "-")]) == "XYb-cdf"


def test_insertions_at_one_place_keep_their_order():
    assert apply_edits("ab", [Edit(1, 1, "z"), Edit(1, 1, "a")]) == "azab"


@pytest.mark.parametrize(
    "edits", [[Edit(0, 2, ""), Edit(1, 3, "")], [Edit(1, 9, "")], [Edit(-1, 0, "")], [Edit(2, 1, "")]]
)
def test_edits_that_make_no_sense(edits):
    with pytest.raises(EditError):
        apply_edits("abc", edits)
