"""Whatever a file holds, reading it gives a result or a message, never a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_kohaku.errors import KohakuError
from lib_kohaku.prompt.captions.booru_json import parse_posts
from lib_kohaku.prompt.captions.caption import build_caption
from lib_kohaku.prompt.presets.codec import encode_preset, export_presets, import_presets
from lib_kohaku.prompt.presets.styles_csv import Style, read_styles, write_styles
from lib_kohaku.prompt.profiles.loader import load_profiles
from lib_kohaku.prompt.tags.csv_reader import parse_tag_list
from lib_kohaku.prompt.tags.index import TagIndex
from lib_kohaku.prompt.tags.ranking import rank
from lib_kohaku.prompt.tags.search import TagSearch

GAMMA = load_profiles().get("kohaku-xl-gamma")
CELLS = st.text(alphabet='a_1(:,"\n\r\t é\u202e', max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=6).map(",".join), max_size=8).map("\n".join), st.text(max_size=6))
def test_tag_lists(text, query):
    try:
        tags = parse_tag_list(Path("list.csv"), text).tags
    except KohakuError as error:
        assert "list.csv" in str(error)
        return
    index = TagIndex.build([tags])
    assert all(index.get(tag.name) is not None for tag in tags)
    TagSearch(index, rank(index)).search(query)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_any_json_as_presets_and_posts(document):
    text = json.dumps(document)
    for read in (import_presets, parse_posts):
        with pytest.raises(KohakuError):
            read(text)


FIELDS = st.fixed_dictionaries(
    {"format": st.just(1), "name": st.text(max_size=12)},
    optional={
        "description": st.text(max_size=8),
        "parts": st.dictionaries(
            st.sampled_from(["counts", "general", "year"]), st.lists(st.text(max_size=5), max_size=3)
        ),
        "size": st.lists(st.integers(0, 9000), max_size=3) | st.none(),
        "cfg": st.floats() | st.none(),
        "thumbnail": st.text(max_size=6).map(lambda text: f"{text}.png"),
        "profile": st.text(max_size=6),
    },
)


@settings(max_examples=300, deadline=None)
@given(FIELDS)
def test_presets_that_are_accepted_survive_export_and_import(document):
    try:
        (preset,) = import_presets(json.dumps(document))
    except KohakuError:
        return
    assert import_presets(encode_preset(preset).decode()) == (preset,)
    (again,) = import_presets(export_presets([preset]))
    assert (again.name, again.parts, again.cfg) == (preset.name, preset.parts, preset.cfg)


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from("gsqe"), st.integers(0, 300))
def test_captions_of_any_post_are_one_line(general, meta, rating, score):
    document = {"id": 1, "rating": rating, "score": score, "tag_string_general": general, "tag_string_meta": meta}
    try:
        (post,) = parse_posts(json.dumps(document))
    except KohakuError:
        return
    text = build_caption(post, GAMMA).text()
    assert len(text.splitlines()) == 1
    assert text.count("|||") == 1


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(
    st.dictionaries(
        st.text(alphabet="ab é,\"'", min_size=1, max_size=6).map(str.strip).filter(bool),
        st.tuples(TEXT, TEXT),
        max_size=4,
    )
)
def test_styles_come_back_as_they_were_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("styles") / "styles.csv"
    # The host passes over blanks at the beginning of a cell, and over styles without any text.
    styles = [Style(name, prompt.lstrip(" "), negative.lstrip(" ")) for name, (prompt, negative) in rows.items()]
    styles = [style for style in styles if style.prompt or style.negative]
    write_styles(path, styles)
    assert list(read_styles(path)) == styles
