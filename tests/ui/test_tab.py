"""The tab as gradio builds it: ids, labels, and every event called with nonsense."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")

import gradio as gr

from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.host.base import HostInfo
from lib_kohaku.host.standalone import StandaloneHost
from lib_kohaku.ui.tab import PAGES, build_tab

TRACKED = (gr.Slider, gr.Radio, gr.Checkbox, gr.Textbox, gr.Number, gr.Dropdown, gr.Button)


@dataclass
class Capable:
    """A host like the standalone one that says it can do everything."""

    inner: StandaloneHost
    info: HostInfo = field(default_factory=lambda: HostInfo("everything", True, True, True, True, True))

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


@pytest.fixture(params=["standalone", "webui"])
def tab(request: pytest.FixtureRequest, workbench: MergeWorkbench) -> gr.Blocks:
    if request.param == "webui":
        workbench.host = Capable(workbench.host)  # type: ignore[assignment]
    return build_tab(workbench)


def test_ids_are_ours_and_unique(tab):
    ids = [block.elem_id for block in tab.blocks.values() if getattr(block, "elem_id", None)]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert [name for name in ids if not re.fullmatch(r"kohaku_[a-z0-9_]+", name)] == []


def test_labels_are_unique(tab):
    labels = [block.label for block in tab.blocks.values() if getattr(block, "label", None)]
    assert [label for label, count in Counter(labels).items() if count > 1] == []


def test_nothing_lands_in_the_webuis_ui_config(tab):
    tracked = [block for block in tab.blocks.values() if type(block) in TRACKED]
    assert len(tracked) > 60
    assert [block.elem_id for block in tracked if not getattr(block, "do_not_save_to_config", False)] == []


def test_every_input_can_be_found_by_its_id(tab):
    assert [type(block) for block in tab.blocks.values() if type(block) in TRACKED and not block.elem_id] == []


def test_buttons_that_the_host_cannot_serve_are_not_there(workbench):
    def buttons(workbench: MergeWorkbench) -> set[str]:
        return {block.elem_id for block in build_tab(workbench).blocks.values() if isinstance(block, gr.Button)}

    plain = buttons(workbench)
    workbench.host = Capable(workbench.host)  # type: ignore[assignment]
    assert buttons(workbench) - plain == {"kohaku_load_unsaved", "kohaku_restore"}


def test_building_reads_no_folder(workbench, monkeypatch):
    monkeypatch.setattr(type(workbench.host), "library", lambda self: pytest.fail("a folder was read"))
    build_tab(workbench)


def test_no_event_waits_in_the_queue_and_only_the_prompt_pages_has_an_address(tab):
    assert [event["queue"] for event in tab.dependencies if event["queue"] is not False] == []
    assert [event["api_name"] for event in tab.dependencies if event["api_name"] is not False] == ["kohaku_prompt"]


@pytest.mark.parametrize(
    "nonsense", [None, "", "x(", -1, 1e308, True, [], {"a": 1}, "\x00", "../../etc/passwd"], ids=repr
)
def test_every_event_answers_nonsense_with_as_many_values_as_it_has_outputs(tab, workbench, nonsense):
    called = 0
    for event, function in zip(tab.dependencies, tab.fns, strict=True):
        if function.fn is None:
            continue
        values = function.fn(*[nonsense] * len(event["inputs"]))
        outputs = len(event["outputs"])
        assert (len(values) if isinstance(values, list) and outputs != 1 else 1) == outputs
        assert "Unexpected error" not in str(values)
        called += 1
    assert called >= 25
    if workbench.jobs.current is not None:  # "Restore" needs no input; let it end
        workbench.jobs.stop()


def test_pages_are_a_literal_list():
    assert PAGES[0].title == "Merge"
    assert len({page.name for page in PAGES}) == len(PAGES)
