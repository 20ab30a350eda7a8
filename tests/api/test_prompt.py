"""The prompt workbench over HTTP."""

from __future__ import annotations

import base64
import json
import sqlite3

import pytest

from lib_kohaku.prompt.captions.booru_json import LONGEST_TEXT
from tests.prompt.booru import make_database
from tests.support.prompting import HOSTILE, TAG_LIST

GAMMA = "kohaku-xl-gamma"
POST = {
    "id": 1,
    "rating": "g",
    "created_at": "2022-01-01T00:00:00",
    "score": 200,
    "tag_string_general": "smile 1girl",
    "tag_string_artist": "wlop",
}


@pytest.fixture
def prompts(api):
    """The API with a tag list in the user's folder."""
    (api.data / "tags").mkdir(parents=True)
    (api.data / "tags" / "tags.csv").write_text(TAG_LIST)
    return api


def post(api, path: str, **body: object):
    return api.call("POST", f"/prompt{path}", body)


def test_a_prompt_is_put_into_the_models_order(prompts):
    answer = post(prompts, "/format", prompt="blue hair, hatsune miku, 1girl", profile=GAMMA).json()
    assert answer["formatted"] == "1girl, hatsune miku, blue hair"
    assert (answer["prompt"], answer["changed"]) == ("blue hair, hatsune miku, 1girl", True)
    more = post(prompts, "/format", prompt="1girl", profile=GAMMA, add=["quality", "rating"]).json()
    assert more["formatted"] == "1girl, safe, masterpiece"
    assert [missing["kind"] for missing in more["missing"]] == ["year", "rating", "quality"]


def test_the_very_first_answer_knows_the_tag_list(prompts):
    answer = post(prompts, "/lint", prompt="thigihghs", profile=GAMMA).json()
    assert [fix["result"] for fix in answer["findings"][0]["fixes"]][:1] == ["thighhighs"]


def test_lint_tells_places_fixes_and_chunks(prompts):
    answer = post(prompts, "/lint", prompt="1girl, saber (fate), :3", profile=GAMMA, fix=True).json()
    assert [finding["code"] for finding in answer["findings"]] == ["unescaped-name", "number-read-as-weight"]
    assert answer["fixed"] == "1girl, saber \\(fate\\), :3,"
    assert answer["parts"][0]["limit"] == 75
    assert "fixed" not in post(prompts, "/lint", prompt="", profile=GAMMA).json()
    negative = post(prompts, "/lint", prompt="safe, nsfw", profile=GAMMA, negative=True).json()
    assert negative["findings"] == []


def test_parts_to_a_prompt_and_back(prompts):
    parts = {
        "quality": ["masterpiece"],
        "counts": ["1girl"],
        "characters": [{"name": "saber_(fate)", "weight": 1.2}],
        "networks": ["<lora:x:1>"],
    }
    text = post(prompts, "/compose", profile=GAMMA, **parts).json()["prompt"]
    assert text == "1girl, (saber \\(fate\\):1.2), masterpiece, <lora:x:1>"
    back = post(prompts, "/decompose", prompt=text, profile=GAMMA).json()
    assert back["characters"] == [{"name": "saber_(fate)", "weight": 1.2}]
    assert post(prompts, "/compose", **back).json()["prompt"] == text
    pony = post(prompts, "/compose", profile="pony-v6", **parts).json()["prompt"]
    assert pony.startswith("masterpiece, ")


def test_posts_become_captions(prompts, tmp_path, monkeypatch):
    answer = post(prompts, "/caption", posts=[POST], profile=GAMMA).json()
    assert answer["captions"][0]["caption"] == "1girl, wlop, |||smile, newest, safe, masterpiece"
    assert answer["captions"][0]["prompt"] == "1girl, wlop, smile, newest, safe, masterpiece"
    assert "database" in post(prompts, "/caption", ids=[1]).json()["error"]
    make_database(prompts.data / "tags" / "booru.db")
    answer = post(prompts, "/caption", ids=[100, 999_999_999], profile=GAMMA)
    assert answer.status_code == 200, answer.text
    assert [caption["id"] for caption in answer.json()["captions"]] == [100]
    assert answer.json()["missing"] == [999_999_999]


def test_profiles(prompts):
    answer = prompts.call("GET", "/prompt/profiles").json()
    assert GAMMA in [profile["id"] for profile in answer["profiles"]]
    assert (answer["chosen"], answer["confidence"]) == (GAMMA, "none")
    profile = prompts.call("GET", f"/prompt/profiles/{GAMMA}").json()
    assert profile["size"] == {"width": 896, "height": 1152}
    assert profile["order"][0] == "count"
    assert prompts.call("GET", "/prompt/profiles/none").status_code == 404
    assert post(prompts, "/format", prompt="x", profile="none").status_code == 404


def test_tags(prompts):
    answer = prompts.call("GET", "/prompt/tags", params={"query": "blue", "limit": 1}).json()
    assert [hit["name"] for hit in answer["hits"]] == ["blue_eyes"]
    assert answer["lists"]["sources"] == ["tags.csv"]
    (hit,) = prompts.call("GET", "/prompt/tags", params={"query": "thigihghs", "limit": 1}).json()["hits"]
    assert (hit["name"], hit["match"], hit["posts"]) == ("thighhighs", "typo", 1160000)
    (hit,) = prompts.call("GET", "/prompt/tags", params={"query": "<img"}).json()["hits"]
    assert hit["name"] == HOSTILE
    for query, limit in (("", 1), ("x" * 300, 1), ("x", 0), ("x", 1000)):
        assert prompts.call("GET", "/prompt/tags", params={"query": query, "limit": limit}).status_code == 400


def test_presets(prompts):
    listed = prompts.call("GET", "/prompt/presets", params={"query": "first portrait"}).json()["presets"]
    assert [(preset["name"], preset["own"]) for preset in listed] == [("Gamma: first portrait", False)]
    answer = prompts.call("GET", "/prompt/preset", params={"name": "Gamma: first portrait"}).json()
    assert answer["prompt"].startswith("1girl, solo, upper body")
    assert answer["preset"]["size"] == [896, 1152]
    delta = {"name": "Gamma: first portrait", "profile": "kohaku-xl-delta"}
    assert prompts.call("GET", "/prompt/preset", params=delta).json()["prompt"].startswith("1girl, masterpiece")
    for name in ("../../etc/passwd", "", "x" * 500, "Gamma: first portrait\n"):
        assert prompts.call("GET", "/prompt/preset", params={"name": name}).status_code == 404
    assert prompts.call("GET", "/prompt/preset", params={**delta, "own": "true"}).status_code == 404


def test_an_own_preset_is_told_apart_from_a_shipped_one_of_the_same_name(prompts):
    folder = prompts.data / "presets"
    folder.mkdir()
    document = {"format": 1, "name": "Gamma: first portrait", "parts": {"general": ["mine"]}, "thumbnail": "x.png"}
    (folder / "x.json").write_text(json.dumps(document))
    params = {"name": "Gamma: first portrait"}
    mine = prompts.call("GET", "/prompt/preset", params=params).json()
    assert (mine["own"], mine["prompt"]) == (True, "mine")
    assert "thumbnail" not in mine["preset"]
    assert prompts.call("GET", "/prompt/preset", params={**params, "own": "false"}).json()["own"] is False


NESTED = json.loads("[" * 900 + "]" * 900)
HOSTILE_TEXTS = ["\x00", "((((", "[" * 3000, "a:1e999", "(a:1.2.3)", "\U0001f600" * 100, HOSTILE, "{{{", "a, " * 20_000]


@pytest.mark.parametrize("path", ["/format", "/lint", "/decompose"])
@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_no_prompt_makes_it_stumble(prompts, path, text):
    answer = post(prompts, path, prompt=text, profile=GAMMA)
    assert answer.status_code in (200, 400), answer.text
    assert "Unexpected" not in answer.text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/format", {}, 422),
        ("/format", {"prompt": 7, "profile": []}, 422),
        ("/format", {"prompt": "x" * 100_001}, 422),
        ("/format", {"prompt": "x", "add": ["hats"]}, 400),
        ("/lint", {"prompt": None}, 422),
        ("/lint", [], 422),
        ("/compose", {"general": "solo"}, 422),
        ("/compose", {"general": [7]}, 400),
        ("/compose", {"general": [{"name": "solo", "weight": "2"}]}, 400),
        ("/compose", {"general": [{"name": "solo", "weight": -1}]}, 400),
        ("/compose", {"general": [{"name": "solo", "run": "x"}]}, 400),
        ("/compose", {"general": ["x"] * 501}, 400),
        ("/compose", {"general": [" "]}, 400),
        ("/compose", {"general": ["memories_off#5"]}, 400),
        ("/compose", {"general": NESTED}, 400),
        ("/caption", {}, 400),
        ("/caption", {"posts": [POST], "ids": [1]}, 400),
        ("/caption", {"posts": [POST] * 51}, 400),
        ("/caption", {"posts": [{}]}, 400),
        ("/caption", {"posts": [{"id": 1, "tag_string": "a b"}]}, 400),
        ("/caption", {"posts": [{**POST, "tag_string_general": "x" * (LONGEST_TEXT + 1)}]}, 400),
        ("/caption", {"ids": [-1]}, 400),
        ("/caption", {"ids": [2**80]}, 400),
        ("/caption", {"ids": ["x"]}, 422),
    ],
)
def test_hostile_requests_are_refused_in_plain_words(prompts, path, body, status):
    answer = prompts.call("POST", f"/prompt{path}", body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]
    assert "Traceback" not in answer.text and "Unexpected" not in answer.text


def test_a_hostile_database_is_refused(prompts):
    with sqlite3.connect(prompts.data / "tags" / "booru.db") as connection:
        connection.execute(
            "CREATE VIEW post AS WITH RECURSIVE x(id) AS (SELECT 1 UNION ALL SELECT id+1 FROM x) SELECT * FROM x"
        )
    answer = post(prompts, "/caption", ids=[1], profile=GAMMA)
    assert answer.status_code == 400
    assert "not a danbooru2023-sqlite database" in answer.json()["error"]


def test_the_guard_is_that_of_the_other_routes(guarded):
    basic = {"Authorization": "Basic " + base64.b64encode(b"api:two").decode()}
    client = guarded(None, {}, {"api": "two"})
    assert client.get("/kohaku/v1/prompt/profiles").status_code == 401
    assert client.get("/kohaku/v1/prompt/profiles", headers=basic).status_code == 200
    body = b'{"prompt": "1girl"}'
    form = {"Content-Type": "text/plain", **basic}
    assert client.post("/kohaku/v1/prompt/format", content=body, headers=form).status_code == 415
    assert client.post("/kohaku/v1/prompt/format", json={"prompt": "1girl"}).status_code == 401
    assert client.post("/kohaku/v1/prompt/format", json={"prompt": "1girl"}, headers=basic).status_code == 200
