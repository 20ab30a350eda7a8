"""The server without a webui: what it serves and whom it refuses."""

from __future__ import annotations

import re
import socket

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")

from fastapi.testclient import TestClient

from lib_kohaku.errors import FailedError
from lib_kohaku.ui import standalone
from lib_kohaku.ui.assets import asset_files, asset_root
from lib_kohaku.ui.standalone import LOCAL, build_app, open_socket

ROOT = asset_root()


@pytest.fixture
def client(workbench) -> TestClient:
    return TestClient(build_app(workbench))


def test_the_page_loads_nothing_from_elsewhere(client):
    page = client.get("/").text
    assert "gradio_config" in page
    loaded = re.findall(r"<(?:script|link)[^>]+(?:src|href)=\"([^\"]+)\"", page)
    assert [address for address in loaded if re.match(r"(https?:)?//", address)] == []
    assert '"analytics_enabled":false' in page.replace(" ", "")


def test_scripts_and_styles_are_served(client):
    page = client.get("/").text
    names = re.findall(r"/kohaku-assets/([\w.]+)\?\d+", page)
    assert names == list(asset_files())
    assert names[0] == "style.css"
    assert len(names) >= 6
    for name in names:
        assert client.get(f"/kohaku-assets/{name}").status_code == 200


@pytest.mark.parametrize("name", ["../pyproject.toml", "..%2fpyproject.toml", "pyproject.toml", "%2e%2e/LICENSE", ""])
def test_nothing_else_is_served(client, name):
    assert client.get(f"/kohaku-assets/{name}").status_code in (404, 405)


def test_files_of_the_working_folder_are_not_given_away(workbench, tmp_path, monkeypatch):
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.chdir(tmp_path)
    client = TestClient(build_app(workbench))
    for name in ("secret.txt", str(tmp_path / "secret.txt"), "/etc/passwd"):
        for address in (f"/file={name}", f"/file/{name}"):
            assert client.get(address).status_code in (403, 404)


def test_nothing_is_uploaded(client):
    assert client.post("/upload", files={"files": b"x"}).status_code in (404, 405)


def test_other_sites_may_not_use_it(client):
    answer = client.get("/config", headers={"origin": "https://example.org"})
    assert "access-control-allow-origin" not in answer.headers
    answer = client.options(
        "/run/predict", headers={"origin": "https://example.org", "access-control-request-method": "POST"}
    )
    assert "access-control-allow-origin" not in answer.headers
    assert client.get("/", headers={"host": "evil.example.org"}).status_code == 400


def test_others_may_when_asked_to_listen(workbench):
    client = TestClient(build_app(workbench, local=False))
    assert client.get("/", headers={"host": "my-machine"}).status_code == 200


def test_a_taken_port_is_told():
    with open_socket(LOCAL, 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FailedError, match="--port"):
            open_socket(LOCAL, port)


def test_without_a_port_the_next_free_one_is_taken(monkeypatch):
    with socket.socket() as taken:
        taken.bind((LOCAL, 0))
        taken.listen()
        monkeypatch.setattr(standalone, "DEFAULT_PORT", taken.getsockname()[1])
        with open_socket(LOCAL, None) as found:
            assert found.getsockname()[1] > taken.getsockname()[1]


def test_the_api_is_registered_where_there_is_one(workbench, monkeypatch):
    registered = []
    api = type("Api", (), {"register_api": staticmethod(lambda app, bench: registered.append(bench))})
    monkeypatch.setattr(standalone, "find_spec", lambda name: object())
    monkeypatch.setattr(standalone.importlib, "import_module", lambda name: api)
    build_app(workbench)
    assert registered == [workbench]


def test_scripts_keep_to_one_object():
    for path in (ROOT / "javascript").glob("*.js"):
        text = path.read_text("utf-8")
        code = re.sub(r"^//.*\n", "", text, flags=re.MULTILINE)
        assert code.startswith("(function() {\n    'use strict';\n"), path.name
        assert code.rstrip().endswith("})();"), path.name
        assert "innerHTML" not in code, path.name
        assert set(re.findall(r"window\.(\w+) = ", code)) <= {"kohaku"}, path.name
        assert len(text.splitlines()) <= 300, path.name


def test_styles_stay_inside_the_tab_and_use_the_theme():
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "style.css").read_text("utf-8"), flags=re.DOTALL)
    selectors = [part.strip() for part in re.findall(r"([^{}]+)\{", text) if not part.strip().startswith("@media")]
    assert len(selectors) > 50
    for selector in selectors:
        for alternative in re.split(r",(?![^()]*\))", selector):
            assert re.search(r"#(tab_)?kohaku", alternative), alternative
    colours = re.findall(r"(?<![\w-])#[0-9a-fA-F]{3,8}\b(?=[^{]*\})", text)
    assert colours == []
