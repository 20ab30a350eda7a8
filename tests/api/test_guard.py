"""Who may call the API."""

from __future__ import annotations

import base64

import pytest

URL = "/kohaku/v1/recipes"
LOGIN = {"me": "secret"}
TOKENS = {"t0ken": "me"}
USERS = {"api": "päss:word"}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def test_open_when_nothing_is_protected(guarded):
    assert guarded(None, {}, {}).get(URL).status_code == 200


@pytest.mark.parametrize("users", [{}, USERS])
def test_a_login_of_the_page_opens(guarded, users):
    client = guarded(LOGIN, TOKENS, users)
    assert client.get(URL).status_code == 401
    for cookie in ("access-token", "access-token-unsecure"):
        assert client.get(URL, cookies={cookie: "t0ken"}).status_code == 200
        client.cookies.clear()
        assert client.get(URL, cookies={cookie: "other"}).status_code == 401
        client.cookies.clear()


def test_gradio_4_names_its_cookie_with_an_id(guarded):
    client = guarded(LOGIN, TOKENS, {}, cookie_id="abc")
    assert client.get(URL, cookies={"access-token-unsecure-abc": "t0ken"}).status_code == 200


@pytest.mark.parametrize("auth", [None, LOGIN])
def test_credentials_of_the_api_open(guarded, auth):
    client = guarded(auth, {}, USERS)
    assert client.get(URL).status_code == 401
    assert client.get(URL, headers=basic("api:päss:word")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        basic("api:wrong"),
        basic("nobody:"),
        basic("nobody"),
        basic(""),
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic"},
        {"Authorization": "Bearer t0ken"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
    ],
)
def test_wrong_credentials_do_not(guarded, headers):
    answer = guarded(None, {}, USERS).get(URL, headers=headers)
    assert answer.status_code == 401
    assert "api-auth" in answer.json()["error"]


def test_the_password_of_the_page_is_none_of_the_api(guarded):
    assert guarded(LOGIN, {}, {}).get(URL, headers=basic("me:secret")).status_code == 401


def test_an_old_token_without_login_is_nothing(guarded):
    assert guarded(None, TOKENS, USERS).get(URL, cookies={"access-token": "t0ken"}).status_code == 401


def test_every_route_is_guarded(guarded):
    client = guarded(LOGIN, {}, {})
    routes = [route for route in client.app.routes if route.path.startswith("/kohaku/")]
    assert len(routes) >= 24
    for route in routes:
        for method in route.methods:
            path = route.path.format(**dict.fromkeys(("job_id", "name", "profile_id"), "x"))
            assert client.request(method, path, json={}).status_code == 401, route.path


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_forms_of_other_pages_change_nothing(api, kind):
    body = b'{"formula": "beta7", "name": "x"}'
    for path in ("/merge", "/restore", "/jobs/x/stop"):
        answer = api.client.post(f"/kohaku/v1{path}", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 415, path
