"""``scripts/kohaku.py``, executed as the webui executes it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "kohaku.py"
KINDS = ("ui_tabs", "ui_settings", "before_ui", "app_started", "infotext_pasted")


def counts(fake) -> dict[str, int]:
    return {kind: len(fake.callbacks.get(kind, [])) for kind in KINDS}


def test_it_registers_one_of_each(fake):
    fake.load_script(SCRIPT)
    assert counts(fake) == dict.fromkeys(KINDS, 1)


def test_reload_ui_registers_anew(fake):
    from lib_kohaku import webui

    first = webui.host()
    for _ in range(3):
        fake.callbacks.clear()
        fake.load_script(SCRIPT)
    assert counts(fake) == dict.fromkeys(KINDS, 1)
    assert webui.host() is first


def test_reload_script_bodies_doubles_nothing(fake):
    for _ in range(3):
        fake.load_script(SCRIPT)
    assert counts(fake) == dict.fromkeys(KINDS, 1)


def test_only_our_script_class_is_visible(fake):
    module = fake.load_script(SCRIPT)
    base = fake.modules["scripts"].Script
    found = [item for item in vars(module).values() if isinstance(item, type) and issubclass(item, base)]
    assert [item.__name__ for item in found] == ["KohakuScript"]
    assert found[0]().show(False) is fake.modules["scripts"].AlwaysVisible


def test_loading_it_imports_next_to_nothing(fake):
    """Its cost at the webui's start: the rest is imported when it is used."""
    for name in [name for name in sys.modules if name.startswith("lib_kohaku.app")]:
        del sys.modules[name]
    fake.load_script(SCRIPT)
    ours = {name for name in sys.modules if name.startswith(("lib_kohaku.app", "lib_kohaku.host.a1111"))}
    assert ours == set()


@pytest.fixture
def nothing_imported() -> Iterator[None]:
    """As in a new process; afterwards everything is as it was, since there must not be two of a class."""
    before = ours()
    for name in before:
        del sys.modules[name]
    yield
    for name in ours():
        del sys.modules[name]
    sys.modules.update(before)


def ours() -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "lib_kohaku"}


def test_the_start_imports_only_what_builds_the_pages(fake, nothing_imported):
    """Everything together may add 0.3 s to the webui's start; ``benchmarks/start_cost.py`` measures it."""
    import gradio as gr
    from fastapi import FastAPI

    script = fake.load_script(SCRIPT).KohakuScript()
    for kind, values in (("list_unets", [[]]), ("ui_settings", []), ("before_ui", []), ("ui_tabs", [])):
        ((_, callback),) = fake.callbacks[kind]
        callback(*values)
    with gr.Blocks():
        script.ui(is_img2img=False)
    ((_, add_api),) = fake.callbacks["app_started"]
    add_api(None, FastAPI())
    names = set(ours())
    merging = ("app.merging", "merge.execute", "merge.plan", "merge.verify")
    for part in (*merging, "prompt.lint", "prompt.tags", "fp8.attach", "api"):
        assert not [name for name in names if f"{name}.".startswith(f"lib_kohaku.{part}.")], part
    assert {"lib_kohaku.ui.merge.layout", "lib_kohaku.ui.accordion.build"} <= names
    assert len(names) < 130


def test_the_api_is_there_when_somebody_asks_for_it(fake):
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from lib_kohaku import webui

    app = FastAPI()
    app.auth = None
    app.add_api_route("/other", lambda: "other")
    webui.add_api(None, app)
    count = len(app.router.routes)
    client = TestClient(app)
    assert client.get("/other").json() == "other"
    assert client.get("/kohaku").status_code == 404
    assert len(app.router.routes) == count
    assert client.get("/kohaku/v1/recipes").status_code == 200
    added = len(app.router.routes)
    assert added > count + 20
    assert client.get("/kohaku/v1/fp8").status_code == 200
    assert client.get("/kohaku/v1/nothing").status_code == 404
    assert len(app.router.routes) == added


def test_it_is_short():
    assert len(SCRIPT.read_text().splitlines()) < 100


def test_an_image_without_us_is_left_alone(fake):
    from types import SimpleNamespace

    fake.load("beta7")
    script = fake.load_script(SCRIPT).KohakuScript()
    p = SimpleNamespace(extra_generation_params={}, n_iter=1)
    before = dict(vars(p))
    fake.events.clear()
    script.before_process(p)
    script.process(p)
    script.before_process_batch(p, batch_number=0)
    script.postprocess(p, None)
    assert vars(p) == before
    assert fake.events == []


@pytest.mark.parametrize(("present", "good"), [("2.1.2+cu121", True), ("2.0.1", False), ("10.0", True), ("2.1", False)])
def test_install_compares_numbers(present, good):
    code = f"import install; print(install.numbers({present!r}) >= install.NEEDED['torch'])"
    shown = subprocess.run([sys.executable, "-c", code], cwd=SCRIPT.parents[1], capture_output=True, text=True)
    assert shown.stdout.strip() == str(good)
