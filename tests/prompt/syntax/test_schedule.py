import pytest

from lib_kohaku.prompt.syntax import PromptError, Steps, schedule


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("a [b:c:3] d", [(3, "a b d"), (10, "a c d")]),
        ("a[b:[c:d:2]:1]e", [(1, "abe"), (2, "ace"), (10, "ade")]),
        ("[a:b:0]", [(10, "b")]),
        ("[a:b:-3]", [(10, "b")]),
        ("[a:b: 0.25 ]", [(2, "a"), (10, "b")]),
        ("[a:b:3e0]", [(3, "a"), (10, "b")]),
        ("[:5]", [(5, ""), (10, "")]),
        ("[a:b:1e999]", [(10, "a")]),
        # A third colon, a bar outside of an alternation or a lone backslash make no schedule.
        ("[a:b:c:5]", [(10, "[a:b:c:5]")]),
        ("[a:b:5] | c", [(10, "[a:b:5] | c")]),
        ("[a:b:5] \\", [(10, "[a:b:5] \\")]),
        ("[a:b:5] \\\n", [(10, "[a:b:5] \\\n")]),
        # ... but brackets that are none do not spoil the others.
        ("[re:zero] [x:y:z:[a:b:5]]", [(5, "[re:zero] [x:y:z:a]"), (10, "[re:zero] [x:y:z:b]")]),
    ],
)
def test_texts(text, texts):
    assert schedule(text, 10) == texts


def test_alternation_changes_at_every_step():
    assert [entry.text for entry in schedule("[a|b|]", 5)] == ["a", "b", "", "a", "b"]


def test_second_pass_counts_on():
    assert schedule("[a:b:0.5]", Steps(20, hires=10)) == [(10, "b")]
    assert schedule("[a:b:1.5]", Steps(20, hires=10)) == [(5, "a"), (10, "b")]
    assert schedule("[a:b:25]", Steps(20, hires=10)) == [(5, "a"), (10, "b")]


def test_old_timelines_take_small_whole_numbers_for_fractions_too():
    assert schedule("[a:b:0.5]", Steps(20, old=True)) == [(10, "a"), (20, "b")]
    assert schedule("[a:b:5.]", Steps(20, old=True)) == [(5, "a"), (20, "b")]


def test_no_steps():
    with pytest.raises(PromptError, match="at least 1"):
        schedule("a", 0)
