"""Routes that are added at the first request: only then, once, and in every list of an app's routes."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi", reason="the API's tests need fastapi (requirements/ui.txt)")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from lib_kohaku.host.a1111.later_routes import LaterRoutes

BASE = "/kohaku/v1"


@pytest.fixture
def added() -> list[str]:
    return []


@pytest.fixture
def app(added: list[str]) -> FastAPI:
    app = FastAPI()

    def add() -> None:
        added.append("once")
        app.add_api_route(f"{BASE}/methods", lambda: ["linear"])

    app.add_api_route("/others", lambda: "others")
    app.router.routes.insert(0, LaterRoutes(BASE, add))
    return app


def test_nothing_is_added_for_other_requests(app: FastAPI, added: list[str]) -> None:
    client = TestClient(app)
    assert client.get("/others").json() == "others"
    assert client.get("/kohaku/v10").status_code == 404
    assert added == []


def test_the_first_request_is_answered_and_adds_them_once(app: FastAPI, added: list[str]) -> None:
    client = TestClient(app)
    assert [client.get(f"{BASE}/methods").json() for _ in range(3)] == [["linear"]] * 3
    assert client.get(f"{BASE}/unknown").status_code == 404
    assert client.post(f"{BASE}/methods").status_code == 405
    assert added == ["once"]


def test_they_are_in_the_list_that_is_made_once(app: FastAPI, added: list[str]) -> None:
    client = TestClient(app)
    assert client.get("/docs").status_code == 200
    assert list(client.get("/openapi.json").json()["paths"]) == ["/others", f"{BASE}/methods"]
    assert added == ["once"]


def test_what_fails_is_tried_again(added: list[str]) -> None:
    app = FastAPI()

    def add() -> None:
        added.append("tried")
        if len(added) == 1:
            raise OSError("too many open files")
        app.add_api_route(f"{BASE}/methods", lambda: ["linear"])

    app.router.routes.insert(0, LaterRoutes(BASE, add))
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get(f"{BASE}/methods").status_code == 500
    assert client.get(f"{BASE}/methods").json() == ["linear"]


def test_those_who_look_through_routes_find_an_ordinary_one(app: FastAPI) -> None:
    for route in app.router.routes:
        assert route.path.startswith("/")
        assert isinstance(route.name, str)
        assert "POST" not in route.methods
