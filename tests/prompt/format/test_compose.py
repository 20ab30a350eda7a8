import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.prompt.format import PromptFields, WeightedTag, compose, decompose, format_prompt
from lib_kohaku.prompt.format.fields import FIELD_OF_CLASS
from lib_kohaku.prompt.syntax import PromptError, UnwritableTagError
from tests.prompt.fixtures import GAMMA, PONY, TAGS
from tests.prompt.support import many

T = WeightedTag


def test_fields_to_prompt_in_the_models_order_and_spelling():
    fields = PromptFields(
        counts=(T("1girl"),),
        characters=(T("saber_(fate)", 1.1),),
        artists=(T("ask_(askzy)", 0.8), T("wlop")),
        general=(T("long_hair"), T("^_^"), T(":3")),
        quality=(T("masterpiece"), T("best quality")),
        rating=(T("safe"),),
        networks=("<lora:x:0.8>",),
        prose=("A girl (with a sword) stands in the rain.",),
        raw=("[cat ears:smile:0.5]",),
    )
    assert compose(fields, GAMMA) == (
        r"1girl, (saber \(fate\):1.1), (ask \(askzy\):0.8), wlop, long hair, ^_^, :\3, [cat ears:smile:0.5], "
        r"A girl \(with a sword\) stands in the rain., safe, masterpiece, best quality, <lora:x:0.8>"
    )


def test_own_words_keep_their_spelling():
    assert compose(PromptFields(quality=(T("score_9"),), general=(T("long_hair"),)), PONY) == "score_9, long hair"


def test_prompt_to_fields():
    text = "masterpiece, sole_female, (wlop:1.3), saber (fate), (ask (askzy):1.2), old, foo, {a|b}, (solo, smile:1.1)"
    assert decompose(text, GAMMA, TAGS) == PromptFields(
        counts=(T("1girl"),),
        characters=(T("saber_(fate)"),),
        artists=(T("wlop", 1.3), T("ask_(askzy)", 1.2)),
        general=(T("foo"),),
        quality=(T("masterpiece"),),
        year=(T("old"),),
        raw=("{a|b}", "(solo, smile:1.1)"),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a AND b", "AND"),
        ("a BREAK b", "BREAK"),
        ("a ADDCOL b", "regions"),
        ("a # b", "comments"),
        ("a, :3", "weight"),
        ("(a", "bracket"),
        ("(a BREAK b:1.2)", "BREAK"),
    ],
)
def test_what_fields_cannot_hold_is_refused(text, reason):
    with pytest.raises(PromptError, match=reason):
        decompose(text, GAMMA, TAGS)


@pytest.mark.parametrize(("text", "weight"), [("(o)_(o)", 1), ("((o)_(o):1.2)", 1.2), ("(saber (fate):1.2)", 1.2)])
def test_brackets_of_a_name_are_no_weight(text, weight):
    found = decompose(text, GAMMA, TAGS)
    assert [tag.weight for tag in (*found.general, *found.characters)] == [weight]


def test_unwritable_names_are_refused():
    with pytest.raises(UnwritableTagError, match="memories off#5"):
        compose(PromptFields(series=(T("memories_off#5"),)), GAMMA)


def tag_names(field):
    own = {"quality": ["masterpiece", "best quality"], "rating": ["safe", "nsfw"], "year": ["newest", "old"]}
    own |= {"aesthetic": [], "source": []}
    listed = {name: info.tag_class for name, info in TAGS.tags.items() if "#" not in name and name != "old"}
    counts = ["1girl", "1boy"]
    by_class = {FIELD_OF_CLASS[c]: [n for n, k in listed.items() if k is c and n not in counts] for c in FIELD_OF_CLASS}
    return {**by_class, "counts": counts, **own}[field]


def tag_tuples(field):
    names = tag_names(field)
    weights = st.sampled_from([1.0, 1.2, 0.75, -1.0, 1.0])
    return st.lists(st.builds(T, st.sampled_from(names), weights), max_size=3).map(tuple) if names else st.just(())


fields = st.builds(
    PromptFields,
    **{field: tag_tuples(field) for field in FIELD_OF_CLASS.values()},
    networks=st.lists(st.sampled_from(["<lora:x:0.8>", "<hypernet:y:1>"]), max_size=2).map(tuple),
    raw=st.lists(st.sampled_from(["{a|b}", "[cat ears:smile:0.5]", "__w__"]), max_size=2).map(tuple),
)


@many(300)
@given(fields)
def test_there_and_back(form):
    text = compose(form, GAMMA)
    assert decompose(text, GAMMA, TAGS) == form
    assert not format_prompt(text, GAMMA, TAGS).moves
