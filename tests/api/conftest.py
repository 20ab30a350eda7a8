"""The API on a plain app, with a standalone host."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from lib_kohaku.api import register_api
from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.host.standalone import StandaloneHost
from tests.support.samples import Family

BASE = "/kohaku/v1"


@dataclass
class Api:
    """A client and what is behind it."""

    client: TestClient
    workbench: MergeWorkbench
    models: Path
    data: Path

    def call(self, method: str, path: str, body: object = None, **more: object):
        return self.client.request(method, BASE + path, json=body, **more)

    def finished(self, answer) -> dict:
        """The job that an answer tells of, once it has ended."""
        assert answer.status_code == 200, answer.text
        while True:
            job = self.call("GET", f"/jobs/{answer.json()['id']}").json()
            if job["state"] not in ("queued", "running"):
                return job


@pytest.fixture
def workbench(tmp_path: Path, sdxl: Family) -> MergeWorkbench:
    models = tmp_path / "models"
    models.mkdir()
    for name in ("beta7", "anxl2", "anxl3", "base8"):
        shutil.copy(sdxl.path(name), models)
    return MergeWorkbench(StandaloneHost([models], tmp_path / "data", tmp_path / "cache.json"))


@pytest.fixture
def api(workbench: MergeWorkbench, tmp_path: Path) -> Api:
    app = FastAPI()
    register_api(app, workbench)
    return Api(TestClient(app), workbench, tmp_path / "models", tmp_path / "data")


@pytest.fixture
def guarded(workbench: MergeWorkbench):
    """Makes a client of an app with logins and API users; gradio keeps logins on its app object."""

    def make(auth: object, tokens: dict[str, str], users: dict[str, str], **more: str) -> TestClient:
        app = FastAPI()
        vars(app).update(SimpleNamespace(auth=auth, tokens=tokens, **more).__dict__)
        register_api(app, workbench, users)
        return TestClient(app)

    return make
