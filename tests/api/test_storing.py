"""Recipes, checkpoints and surprises over HTTP."""

from __future__ import annotations

import pytest

RECIPE = {"kohaku_recipe": 1, "name": "other", "formula": "0.5*beta7 + 0.5*anxl3"}


def test_recipes_come_and_go(api):
    assert api.call("PUT", "/recipes/mine", {"recipe": RECIPE}).status_code == 200
    found = {item["name"]: item for item in api.call("GET", "/recipes").json()["recipes"]}
    assert found["mine"]["recipe"]["formula"] == RECIPE["formula"] and not found["mine"]["shipped"]
    assert found["gamma-rev1"]["shipped"]
    assert api.call("GET", "/recipes/mine").json()["recipe"]["name"] == "mine"
    assert api.call("PUT", "/recipes/mine", {"recipe": RECIPE}).status_code == 409
    assert api.call("PUT", "/recipes/mine", {"recipe": RECIPE, "overwrite": True}).status_code == 200
    assert api.call("DELETE", "/recipes/mine", {}).status_code == 200
    assert api.call("GET", "/recipes/mine").status_code == 404
    assert api.call("DELETE", "/recipes/mine", {}).status_code == 404


def test_shipped_recipes_cannot_be_deleted(api):
    answer = api.call("DELETE", "/recipes/gamma-rev1", {})
    assert answer.status_code == 400 and "came with" in answer.json()["error"]


def test_damaged_files_are_told(api):
    (api.data / "recipes").mkdir(parents=True)
    (api.data / "recipes" / "bad.json").write_text("{")
    assert "bad.json" in api.call("GET", "/recipes").json()["problems"][0]


@pytest.mark.parametrize("name", ["..%2Fup", "%2e%2e", "a%5Cb", "con", ".x"])
def test_recipe_names_are_plain(api, name, tmp_path):
    answer = api.client.put(f"/kohaku/v1/recipes/{name}", json={"recipe": RECIPE})
    assert answer.status_code in (400, 404, 405)
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("recipe", [{}, {"kohaku_recipe": 9, "formula": "x"}, {"kohaku_recipe": 1}, {"a": [1] * 9}])
def test_only_recipes_are_kept(api, recipe):
    assert api.call("PUT", "/recipes/mine", {"recipe": recipe}).status_code == 400


def test_inspect(api):
    document = api.call("GET", "/inspect", params={"model": "beta7"}).json()
    assert document["file"] == "beta7.safetensors" and document["architecture"] == "sdxl"
    assert "tensors" not in document
    document = api.call("GET", "/inspect", params={"model": "beta7", "tensors": True}).json()
    assert len(document["tensors"]) == 2515
    assert api.call("GET", "/inspect", params={"model": "nobody"}).status_code == 404


def test_a_bug_is_not_shown_with_its_insides(api, monkeypatch):
    def fail(*args: object) -> None:
        raise ValueError("secret /path")

    monkeypatch.setattr(api.workbench.history, "entries", fail)
    answer = api.call("GET", "/history")
    assert answer.status_code == 500
    assert "ValueError" in answer.json()["error"] and "secret" not in answer.text
