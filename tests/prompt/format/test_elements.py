import pytest
from hypothesis import given

from lib_kohaku.prompt.format import elements, insert_tag, remove_element, set_weight
from lib_kohaku.prompt.syntax import apply_edits, attention, parse
from tests.prompt.support import many, prompts


def texts(prompt):
    return [element.text for element in elements(parse(prompt))]


def names(prompt):
    return [[tag.name for tag in element.tags] for element in elements(parse(prompt))]


def test_commas_and_line_ends_divide_outside_of_brackets():
    assert texts(" a b,\n(c, d:1.2),, [e:f, g:3] h BREAK i # note\nj AND k :0.5") == [
        *("a b", "(c, d:1.2)", "[e:f, g:3] h", "i", "j", "k"),
    ]


def test_tags_inside():
    assert names("(1girl, solo:1.2), [cat ears:dog ears, smile:0.5], <lora:x:1>") == [
        ["1girl", "solo"],
        ["cat ears", "dog ears", "smile"],
        [],
    ]


@pytest.mark.parametrize(
    ("text", "name", "typed"),
    [
        ("saber (fate)", "saber fate", "saber (fate)"),
        ("(saber (fate):1.2)", "saber fate", "saber (fate)"),
        (r"((saber \(fate\)))", "saber (fate)", "saber (fate)"),
        ("((solo))", "solo", "solo"),
        (r"reverse:\1999", "reverse:1999", "reverse:1999"),
        (r"\\m/", r"\m/", r"\m/"),
    ],
)
def test_how_a_tag_is_read_and_typed(text, name, typed):
    ((tag,),) = [element.tags for element in elements(parse(text))]
    assert (tag.name, tag.typed) == (name, typed)


def test_span_of_a_tag_covers_the_brackets_of_its_name_only():
    text = "a, ((saber (fate), b))"
    tags = [tag for element in elements(parse(text)) for tag in element.tags]
    assert [text[tag.start : tag.end] for tag in tags] == ["a", "saber (fate)", "b"]


@many(200)
@given(prompts)
def test_elements_are_ascending_and_trimmed(text):
    position = 0
    for element in elements(parse(text)):
        assert position <= element.start < element.end <= len(text)
        assert element.text == text[element.start : element.end]
        assert element.text == element.text.strip()
        position = element.end


def edited(text, make):
    prompt = parse(text)
    return apply_edits(text, [make(prompt, elements(prompt))])


@pytest.mark.parametrize(
    ("text", "index", "after"),
    [
        ("a, b,\nc", 1, "a,\nc"),
        ("a, b,\nc", 0, "b,\nc"),
        ("a, b,\nc", 2, "a, b"),
        ("a", 0, ""),
        ("a BREAK b", 1, "a BREAK "),
        ("a, (b, c:1.2), d,", 1, "a, d,"),
    ],
)
def test_remove(text, index, after):
    assert edited(text, lambda prompt, found: remove_element(prompt, found[index])) == after


@pytest.mark.parametrize(
    ("text", "weight", "after"),
    [
        ("a, b", 1.2, "(a:1.2), b"),
        ("(a:1.2), b", 0.8, "(a:0.8), b"),
        ("(a:1.2), b", 1, "a, b"),
        ("((a)), b", 1.3, "(a:1.3), b"),
        ("((a:1.2)), b", 1, "a, b"),
        ("[[a]], b", 0.8, "(a:0.8), b"),
        ("( a :1.2), b", 1, "a, b"),
        ("((a, b:1.2)), c", 1.3, "((a, b:1.2):1.3), c"),
        ("( (a) ), b", 1, "a, b"),
        ("(reverse:1999:1.2)", 1, "reverse:\\1999"),
    ],
)
def test_weigh(text, weight, after):
    assert edited(text, lambda prompt, found: set_weight(prompt, found[0], weight)) == after


def test_insert():
    assert edited("a, b", lambda prompt, found: insert_tag(prompt, found[0], "saber (fate)", 1.2)) == (
        "a, (saber \\(fate\\):1.2), b"
    )
    assert edited("a", lambda prompt, _: insert_tag(prompt, None, ":3")) == ":\\3, a"
    assert edited(" ", lambda prompt, _: insert_tag(prompt, None, "x")) == "x "


def test_an_element_of_another_prompt_is_a_mistake_of_the_caller():
    (element,) = elements(parse("abc"))
    with pytest.raises(ValueError, match="another prompt"):
        remove_element(parse("a"), element)


def test_weights_of_an_element():
    (element,) = elements(parse("(a [b]:1.2)"))
    assert element.weights == tuple(piece.weight for piece in attention("(a [b]:1.2)") if piece.text.strip())
    (broken,) = elements(parse("(a:1.2.3)"))
    assert broken.weights == ()
