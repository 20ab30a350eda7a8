"""A webui with a login: neither of the webui's own locks covers what extensions add."""

from __future__ import annotations

import base64
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from tests.webui.conftest import start_webui
from tests.webui.server import Webui

URL = "/kohaku/v1/recipes"
PROMPT_URL = "/kohaku/v1/prompt/profiles"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webui]:
    flags = ["--gradio-auth", "page:one", "--api-auth", "api:two", "--skip-load-model-at-start"]
    running = start_webui(tmp_path_factory, *flags)
    try:
        running.wait_started()
        yield running
    finally:
        running.stop()


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def login(webui: Webui, name: str, password: str) -> str:
    data = urllib.parse.urlencode({"username": name, "password": password}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{webui.port}/login", data) as answer:
        return "; ".join(cookie.split(";")[0] for cookie in answer.headers.get_all("Set-Cookie"))


def test_strangers_get_nothing(locked: Webui):
    status, answer = locked.call("GET", URL)
    assert status == 401 and "api-auth" in answer["error"]
    assert locked.call("POST", "/kohaku/v1/restore", {})[0] == 401
    assert locked.call("GET", PROMPT_URL)[0] == 401
    assert locked.call("POST", "/kohaku/v1/prompt/lint", {"prompt": "1girl"})[0] == 401
    assert locked.call("POST", "/run/kohaku_prompt", {"data": ["{}"]})[0] == 401
    assert locked.call("GET", URL, headers=basic("page:one"))[0] == 401


def test_users_of_the_api_and_of_the_page_get_in(locked: Webui):
    assert locked.call("GET", URL, headers=basic("api:two"))[0] == 200
    assert locked.call("GET", PROMPT_URL, headers=basic("api:two"))[0] == 200
    answer = locked.call("POST", "/kohaku/v1/prompt/lint", {"prompt": "1girl, :3"}, basic("api:two"))[1]
    assert [finding["code"] for finding in answer["findings"]] == ["number-read-as-weight"]
    cookies = login(locked, "page", "one")
    assert locked.call("GET", URL, headers={"Cookie": cookies})[0] == 200
    assert locked.call("GET", URL, headers={"Cookie": "access-token=made-up"})[0] == 401
