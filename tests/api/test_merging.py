"""Plans and jobs over HTTP."""

from __future__ import annotations

import threading

import pytest

FORMULA = "beta7 + 0.8*(anxl3 - anxl2)"


def test_a_plan_tells_the_coefficients(api):
    answer = api.call("POST", "/plan", {"formula": FORMULA})
    assert answer.status_code == 200
    plan = answer.json()
    assert plan["coefficients"][0]["coefficients"] == {"beta7": 1, "anxl3": 0.8, "anxl2": -0.8}
    assert plan["refusals"] == []
    assert not any(str(api.models) in str(value) for value in plan.values())


def test_a_stored_recipe_with_bindings_and_parameters(api):
    recipe = {"kohaku_recipe": 1, "formula": "$k = 1\none + $k*(two - one)"}
    assert api.call("PUT", "/recipes/mine", {"recipe": recipe}).json() == {"name": "mine"}
    request = {"recipe": "mine", "bindings": {"one": "beta7", "two": "anxl3"}, "parameters": {"k": 0.25}}
    rows = api.call("POST", "/plan", request).json()["coefficients"]
    assert rows[0]["coefficients"] == {"one": 0.75, "two": 0.25}
    request = {"recipe_document": recipe, "bindings": {"one": "beta7", "two": "anxl3"}}
    assert api.call("POST", "/plan", request).json()["coefficients"][0]["coefficients"] == {"two": 1}


def test_merge_verify_history(api):
    job = api.finished(api.call("POST", "/merge", {"formula": FORMULA, "name": "new"}))
    assert job["state"] == "done" and "new.safetensors" in job["message"]
    assert (api.models / "new.safetensors").is_file()
    job = api.finished(api.call("POST", "/verify", {"model": "new", "check_all": True}))
    assert job["state"] == "done" and "passed" in job["message"]
    (entry,) = api.call("GET", "/history").json()
    assert entry["output"] == "new.safetensors" and entry["verified"] == "passed"
    assert entry["recipe"]["formula"] == FORMULA


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"formula": "beta7 +"}, "line 1"),
        ({"formula": "nobody"}, "nobody"),
        ({"formula": "beta7 - anxl3"}, "difference"),
        ({"formula": "$a = 1\nbeta7*$a", "parameters": {"b": 1}}, "b"),
        ({"formula": "beta7", "recipe": "gamma-rev1"}, "one of"),
        ({}, "one of"),
        ({"recipe": "gamma-rev9"}, "gamma-rev"),
        ({"recipe_document": {"formula": "beta7"}}, "not a Kohaku recipe"),
        ({"formula": "beta7", "dtypes": {"unet": "fp7"}}, "fp7"),
        ({"formula": "0.5*beta7 + 0.5*anxl3", "profile": "none"}, "profile"),
    ],
)
def test_what_is_wrong_is_said(api, request_, words):
    answer = api.call("POST", "/merge", {**request_, "name": "new"})
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert "Traceback" not in answer.text
    assert not (api.models / "new.safetensors").exists()


@pytest.mark.parametrize("body", [{"formula": FORMULA}, {"formula": 5, "name": {}}, [], {"name": "x", "bindings": 3}])
def test_a_malformed_request_is_named(api, body):
    answer = api.call("POST", "/merge", body)
    assert answer.status_code == 422
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "name", ["../out", "/etc/out", "a/b", "..\\out", "C:out", ".hidden", "nul", "", "x" * 300, "a\x00b", "out/"]
)
def test_outputs_stay_in_their_folder(api, name, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    answer = api.call("POST", "/merge", {"formula": FORMULA, "name": name})
    assert answer.status_code == 400, name
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("trick", ["../secret", "{outside}", "sub/../../secret", "~/secret", "file:///{outside}"])
def test_models_are_names_and_never_paths(api, trick, tmp_path):
    outside = tmp_path / "secret.safetensors"
    outside.write_bytes((api.models / "beta7.safetensors").read_bytes())
    name = trick.format(outside=outside)
    for body in ({"formula": f'"{name}"'}, {"formula": "a", "bindings": {"a": name}}):
        answer = api.call("POST", "/plan", body)
        assert answer.status_code == 400
    assert api.call("POST", "/verify", {"model": name}).status_code == 400
    assert api.call("GET", "/inspect", params={"model": name}).status_code == 404


def test_an_existing_file_is_replaced_only_on_demand(api):
    request = {"formula": "0.5*beta7 + 0.5*anxl3", "name": "anxl2"}
    before = (api.models / "anxl2.safetensors").read_bytes()
    answer = api.call("POST", "/merge", request)
    assert answer.status_code == 400 and "exists" in answer.json()["error"]
    assert (api.models / "anxl2.safetensors").read_bytes() == before
    assert api.finished(api.call("POST", "/merge", {**request, "overwrite": True}))["state"] == "done"
    assert (api.models / "anxl2.safetensors").read_bytes() != before


def test_one_job_at_a_time_and_stop(api):
    started, go = threading.Event(), threading.Event()

    def work(job):
        started.set()
        go.wait(10)
        return "stopped" if job.cancelled() else "went on", None

    job = api.workbench.jobs.start("test", "A test", work)
    started.wait(10)
    answer = api.call("POST", "/merge", {"formula": FORMULA, "name": "new"})
    assert answer.status_code == 409 and "A test is still running" in answer.json()["error"]
    assert api.call("POST", f"/jobs/{job.id}/stop", {}).status_code == 200
    go.set()
    assert api.finished(api.call("GET", f"/jobs/{job.id}"))["message"] == "stopped"


def test_an_unknown_job(api):
    assert api.call("GET", "/jobs/task(1)").status_code == 404
    assert api.call("POST", "/jobs/task(1)/stop", {}).status_code == 404


def test_without_a_webui_nothing_can_be_loaded(api):
    job = api.finished(api.call("POST", "/load-unsaved", {"formula": FORMULA, "name": "x"}))
    assert job["state"] == "failed" and "no webui" in job["message"]
    assert api.call("GET", "/loaded").json() == {"name": "", "unsaved": False, "previous": ""}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/plan", r'{"formula": "\ud800 + beta7"}'),
        ("/plan", r'{"formula": "beta7", "bindings": {"\ud800": "beta7"}}'),
        ("/merge", r'{"formula": "0.5*beta7 + 0.5*anxl3", "name": "\ud800"}'),
        ("/plan", "[" * 100_000),
        ("/plan", '{"formula": "beta7", "parameters": {"a": ' + "9" * 5000 + "}}"),
    ],
)
def test_requests_that_no_program_writes_are_refused_in_words(api, path, body):
    answer = api.client.post(f"/kohaku/v1{path}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] and "Unexpected" not in answer.json()["error"]
