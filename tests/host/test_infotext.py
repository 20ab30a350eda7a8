"""Recipes in infotexts, the settings, and users of the API."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.merge.infotext import INFOTEXT_KEY, recipe_from_infotext, recipe_to_infotext
from lib_kohaku.merge.recipe import ModelReference, Recipe
from tests.host.test_checkpoints import HASH, entry

names = st.text(min_size=1, max_size=20)


def written(value: str) -> str:
    """A line of parameters with the value as the webui writes it."""
    shown = json.dumps(value, ensure_ascii=False) if any(sign in value for sign in ",:\n") else value
    return f"Steps: 20, {INFOTEXT_KEY}: {shown}, Size: 512x512"


def read(line: str) -> str:
    """The value as the webui reads it back: a word and a colon, then a quoted text or all up to a comma."""
    pairs = re.findall(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)', line)
    value = dict(pairs)[INFOTEXT_KEY]
    return json.loads(value) if value[:1] == value[-1:] == '"' else value


@given(formula=names, role=names, file=names, number=st.floats(allow_nan=False, allow_infinity=False))
def test_any_recipe_survives_the_webuis_quoting(formula, role, file, number):
    recipe = Recipe(formula, models={role: ModelReference(file)}, parameters={"k": number})
    text = recipe_to_infotext(recipe)
    assert "\n" not in text
    assert recipe_from_infotext(read(written(text))) == recipe


def test_hashes_are_short_and_find_renamed_files():
    recipe = Recipe("a + b", models={"a": ModelReference("old.safetensors", HASH), "b": ModelReference("b")})
    text = recipe_to_infotext(recipe)
    assert HASH not in text and HASH[:10] in text
    known = {HASH[:10]: ModelReference("new.safetensors", HASH)}
    assert recipe_from_infotext(text, known).models["a"] == known[HASH[:10]]
    assert recipe_from_infotext(text).models["a"] == ModelReference("old.safetensors")


def test_pasting_lays_the_recipe_where_the_tab_finds_it(fake, workbench):
    from lib_kohaku import webui

    entry(fake)
    recipe = Recipe("a", models={"a": ModelReference("renamed.safetensors", HASH)})
    webui.take_pasted("", {INFOTEXT_KEY: recipe_to_infotext(recipe), "Steps": "20"})
    found = workbench.take_pending()
    assert found is not None and found.models["a"].file == "beta7.safetensors"
    assert workbench.take_pending() is None


@pytest.mark.parametrize("value", [None, 5, "", "{", "[]", "{}", '{"kohaku_recipe":2,"formula":"a"}', "x" * 2_000_000])
def test_pasting_rubbish_changes_nothing(workbench, value):
    from lib_kohaku import webui

    webui.take_pasted("", {INFOTEXT_KEY: value} if value is not None else {})
    assert workbench.pending is None


def test_settings_have_a_section_and_defaults(fake):
    from lib_kohaku import webui

    webui.add_settings()
    labels = fake.opts.data_labels
    assert set(labels) == {
        "kohaku_infotext",
        "kohaku_block_profile",
        "kohaku_data_folder",
        "kohaku_booru_database",
        "kohaku_fp8",
        "kohaku_complete_prompts",
        "kohaku_show_in_pages",
    }
    assert {info.section for info in labels.values()} == {("kohaku", "Kohaku")}
    assert (fake.opts.kohaku_infotext, fake.opts.kohaku_data_folder) == (True, "")
    assert fake.opts.kohaku_block_profile in labels["kohaku_block_profile"].component_args["choices"]
    assert "kohaku_data_folder" in fake.opts.restricted_opts
    for info in labels.values():
        json.dumps(info.default)


@pytest.mark.parametrize(
    ("given_", "users"),
    [(None, {}), ("", {}), ("me:pw", {"me": "pw"}), ("a:1,b:2:3", {"a": "1", "b": "2:3"}), ("broken", {})],
)
def test_api_users(fake, given_, users):
    from lib_kohaku.host.a1111.api_users import api_users  # imported with the fakes in place

    fake.modules["shared"].cmd_opts.api_auth = given_
    assert api_users() == users


def test_the_api_is_added_to_the_app(fake, workbench):
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    from lib_kohaku import webui

    for _ in range(2):  # a new app at every reload
        app = FastAPI()
        webui.add_api(None, app)
        assert TestClient(app).get("/kohaku/v1/loaded").status_code == 200
